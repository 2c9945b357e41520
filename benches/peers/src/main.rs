//! One part of the comparison that `run` puts together: makes the data, and measures the two systems that live in
//! SQLite files (Edgewise's vector table and sqlite-vec) as `peers.py` measures the others.
//!
//! `peers data FOLDER ROWS DIMENSIONS KIND` writes `base.f32`, `queries.f32` and `truth.i32` (the ten nearest of each
//! query by cosine, and those among every tenth and every hundredth row); `peers edgewise FOLDER [PHASE]` and
//! `peers sqlite-vec FOLDER [PHASE]` print one line of JSON; the phase is `fill` (make the table and stop), `measure`
//! (search the one that is there) or `all`. `peers again FOLDER 1|10|100` searches a table that is there,
//! over all, every tenth or every hundredth row, again and again for five seconds: for a profiler. `peers index FOLDER
//! LIST_ROWS` makes the codes of such a table anew.

mod data;
mod edgewise;
mod measure;
mod sqlite_vec;

use std::path::Path;

use measure::Phase;

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
        ["edgewise", folder, ref phase @ ..] => {
            edgewise::run(Path::new(folder), Phase::parse(phase.first().copied()));
        }
        ["again", folder, every] => {
            edgewise::search_again(Path::new(folder), every.parse().expect("1, 10 or 100"));
        }
        ["index", folder, list_rows] => {
            edgewise::index_again(Path::new(folder), list_rows.parse().expect("rows of a list"));
        }
        ["sqlite-vec", folder, ref phase @ ..] => {
            sqlite_vec::run(Path::new(folder), Phase::parse(phase.first().copied()));
        }
        _ => {
            eprintln!(
                "usage: peers data FOLDER ROWS DIMENSIONS clustered|mixture|iid | peers edgewise|sqlite-vec FOLDER [PHASE]"
            );
            std::process::exit(2);
        }
    }
}
