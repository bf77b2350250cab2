//! How values look: for people and for programs. Pure: values in, text out.

pub mod causes;
mod columns;
mod doctor;
mod interval;
pub mod json;
mod phrases;
pub mod summary;
pub mod text;
pub mod top;
