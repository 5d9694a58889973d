//! What is taken out of everything that is printed or saved: `text` for any text, `object` for Kubernetes objects, `known`
//! for the very values that the namespace's Secrets hold. Pure functions; the patterns are listed in `text`.

mod known;
mod object;
mod pem;
mod text;

#[cfg(test)]
mod tests;

pub use known::Known;
pub use object::object;
pub use text::redacted;
