use kind_macros::kind_test;

#[kind_test(prepare = install, access = "shared")]
async fn shared() {}

#[kind_test(access = "fresh", inputs = ["deploy"])]
async fn nothing_reads_it() {}

#[kind_test(access = "fresh", prepare = "install", inputs = [])]
async fn other_values() {}

fn main() {}
