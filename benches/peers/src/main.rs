//! One part of the comparison that `run` puts together: makes the data, and measures the two systems that live in
//! SQLite files (Edgewise's vector table and sqlite-vec) as `peers.py` measures the others.
//!
//! `peers data FOLDER ROWS DIMENSIONS KIND` writes `base.f32`, `queries.f32` and `truth.i32` (the ten nearest of each
//! query by cosine, and those among every tenth and every hundredth row); `peers edgewise FOLDER` and
//! `peers sqlite-vec FOLDER` print one line of JSON. `peers again FOLDER 1|10|100` searches a table that is there,
//! over all, every tenth or every hundredth row, again and again for five seconds: for a profiler.

mod data;
mod edgewise;
mod measure;
mod sqlite_vec;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["data", folder, rows, dimensions, kind] => {
            data::write(
                Path::new(folder),
                rows.parse().expect("a number of rows"),
                dimensions.parse().expect("a number of dimensions"),
                kind,
            );
        }
        ["edgewise", folder] => println!("{}", edgewise::measure(Path::new(folder))),
        ["again", folder, every] => {
            edgewise::search_again(Path::new(folder), every.parse().expect("1, 10 or 100"));
        }
        ["sqlite-vec", folder] => println!("{}", sqlite_vec::measure(Path::new(folder))),
        _ => {
            eprintln!(
                "usage: peers data FOLDER ROWS DIMENSIONS clustered|mixture|iid | peers edgewise|sqlite-vec FOLDER"
            );
            std::process::exit(2);
        }
    }
}
