//! How values look: for people and for programs. Pure: values in, text out.

mod amounts;
pub mod causes;
mod clocks;
mod columns;
mod doctor;
pub mod html;
mod interval;
pub mod json;
mod phrases;
mod source;
pub mod summary;
pub mod text;
pub mod top;
