use kind_macros::kind_test;

struct Suite;

impl Suite {
    #[kind_test]
    async fn test(&self) {}
}

fn main() {}
