//! The page: HTML, its style and its script, all in one text. Whatever comes from records is escaped by maud and goes
//! through `text::clean` first; nothing of it ever reaches the style or the script.

mod axis;
mod cluster;
mod details;
mod lane;
mod page;
mod summary;
mod text;

pub(crate) use page::page;
