//! How much of the truth *balanced* finds, on data of many kinds: at least 99 of 100 of the ten nearest.
//!
//! Where rows tie, any of them is right: a hit counts when it scores as well as the tenth.

#![allow(clippy::unwrap_used, reason = "a test ends where something goes wrong")]
#![allow(clippy::print_stdout, reason = "the figures are worth seeing")]

#[path = "support/world.rs"]
mod world;

use std::path::PathBuf;

use vector_table::{Filter, Metric, Options, Recall};
use world::{Dice, World, quiet, space};

const K: usize = 10;

/// The share of the ten nearest that was found, and of what *exact* found.
fn recall(world: &World, queries: &[Vec<f32>], filter: &Filter<'_>, wanted: Recall) -> f64 {
    let (mut found, mut expected) = (0, 0);
    for query in queries {
        let truth = world.truth.nearest(query, K, filter);
        let worst = truth.last().map_or(f32::NEG_INFINITY, |hit| hit.score);
        let hits = world.search(query, K, filter, wanted);
        found += hits.iter().filter(|hit| hit.score >= worst - worst.abs() * 1e-6).count();
        expected += truth.len();
    }
    found as f64 / expected as f64
}

fn check(name: &str, dimensions: usize, rows: Vec<Vec<f32>>, queries: &[Vec<f32>]) {
    for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
        for inverted in [false, true] {
            let options = if inverted { Options { inverted_rows: 2000, ..quiet() } } else { quiet() };
            let mut world = World::new(&space(dimensions, metric), options);
            let numbered: Vec<(i64, i64, Vec<f32>)> =
                rows.iter().enumerate().map(|(id, row)| (id as i64, (id % 10) as i64, row.clone())).collect();
            world.upsert(&numbered);
            world.settle();
            let all = recall(&world, queries, &Filter::All, Recall::Balanced);
            let some = recall(&world, queries, &Filter::Collections(&[3]), Recall::Balanced);
            let fast = recall(&world, queries, &Filter::All, Recall::Fast);
            let exact = recall(&world, &queries[..queries.len().min(10)], &Filter::All, Recall::Exact);
            println!(
                "{name}, {metric:?}, inverted {inverted}: {all:.4}, a tenth {some:.4}, fast {fast:.4}, exact {exact}"
            );
            assert!(all >= 0.99, "{name} by {metric:?}, inverted {inverted}: {all}");
            assert!(some >= 0.99, "{name} by {metric:?}, inverted {inverted}, filtered: {some}");
            assert!(exact == 1.0, "{name} by {metric:?}: exact is exact, not {exact}");
        }
    }
}

/// Rows, and queries of the same distribution that are not among them.
fn drawn(count: usize, mut draw: impl FnMut() -> Vec<f32>) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    ((0..count).map(|_| draw()).collect(), (0..60).map(|_| draw()).collect())
}

#[test]
fn clustered_rows() {
    let (dimensions, mut dice) = (256, Dice(1));
    let centres: Vec<Vec<f32>> = (0..40).map(|_| dice.vector(dimensions)).collect();
    let (rows, queries) = drawn(8000, || {
        let centre = &centres[dice.below(centres.len())];
        centre.iter().map(|value| value + 0.5 * dice.normal()).collect()
    });
    check("clustered", dimensions, rows, &queries);
}

#[test]
fn rows_with_nothing_in_common() {
    let (dimensions, mut dice) = (192, Dice(2));
    let (rows, queries) = drawn(6000, || dice.vector(dimensions));
    check("iid", dimensions, rows, &queries);
}

#[test]
fn rows_that_are_there_many_times() {
    let (dimensions, mut dice) = (128, Dice(3));
    let originals: Vec<Vec<f32>> = (0..300).map(|_| dice.vector(dimensions)).collect();
    let (rows, queries) = drawn(6000, || originals[dice.below(originals.len())].clone());
    check("duplicated", dimensions, rows, &queries);
    let same = vec![vec![0.25; dimensions]; 4000];
    check("all the same", dimensions, same, &queries[..10]);
}

#[test]
fn rows_of_few_directions() {
    let (dimensions, mut dice) = (256, Dice(4));
    let directions: Vec<Vec<f32>> = (0..6).map(|_| dice.vector(dimensions)).collect();
    let (rows, queries) = drawn(6000, || {
        let mut row = vec![0.0; dimensions];
        for direction in &directions {
            let weight = dice.normal();
            row.iter_mut().zip(direction).for_each(|(value, part)| *value += weight * part);
        }
        row
    });
    check("low-rank", dimensions, rows, &queries);
}

#[test]
fn rows_with_a_single_place() {
    let (dimensions, mut dice) = (300, Dice(5));
    let (rows, queries) = drawn(6000, || {
        let mut row = vec![0.0; dimensions];
        row[dice.below(dimensions)] = 1.0;
        row
    });
    check("one-hot", dimensions, rows, &queries);
}

#[test]
fn rows_far_from_the_origin() {
    let (dimensions, mut dice) = (128, Dice(6));
    let (rows, queries) =
        drawn(5000, || dice.vector(dimensions).into_iter().map(|value| value + 50.0).collect());
    check("far off", dimensions, rows, &queries);
}

#[test]
fn rows_of_every_length() {
    for dimensions in [1, 2, 7, 33, 65, 384, 1024, 1536, 2048, 3072] {
        let mut dice = Dice(dimensions as u64);
        let (rows, queries) = drawn(1500, || dice.vector(dimensions));
        let mut world = World::new(&space(dimensions, Metric::Cosine), quiet());
        let numbered: Vec<(i64, i64, Vec<f32>)> =
            rows.into_iter().enumerate().map(|(id, row)| (id as i64, 0, row)).collect();
        world.upsert(&numbered);
        world.settle();
        let found = recall(&world, &queries[..20], &Filter::All, Recall::Balanced);
        assert!(found >= 0.99, "{dimensions} dimensions: {found}");
        world.check(&queries[0], K, &Filter::All);
    }
}

/// The paragraphs and questions of XQuAD, English and Chinese, as words and runs of three characters hashed into 512
/// places.
#[test]
fn questions_and_paragraphs() {
    let corpora = std::env::var_os("EDGEWISE_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = corpora.join("retrieval");
    let texts = questions(&folder);
    if texts.is_empty() {
        println!("no questions in {}: nothing to see", folder.display());
        return;
    }
    let vectors: Vec<Vec<f32>> = texts.iter().map(|text| hashed(text, 512)).collect();
    let (queries, rows): (Vec<_>, Vec<_>) =
        vectors.into_iter().enumerate().partition(|(index, _)| index % 23 == 0);
    let strip = |rows: Vec<(usize, Vec<f32>)>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    let queries = strip(queries);
    println!("{} rows, {} queries", rows.len(), queries.len());
    check("XQuAD", 512, strip(rows), &queries[..queries.len().min(100)]);
}

/// All texts of the JSON files: every string of forty and more characters and every question.
fn questions(folder: &std::path::Path) -> Vec<String> {
    let mut texts = std::collections::BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json" || extension == "jsonl") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                texts.extend(text.split('"').filter(|part| part.chars().count() >= 20).map(str::to_owned));
            }
        }
    }
    texts.into_iter().take(12_000).collect()
}

fn hashed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0f32; dimensions];
    vector[0] = 0.01;
    let characters: Vec<char> = text.to_lowercase().chars().collect();
    let mut add = |piece: &str| {
        let mut hash = Dice(piece.bytes().fold(14_695_981_039_346_656_037, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
        }));
        let place = hash.below(dimensions);
        vector[place] += if hash.next() & 1 == 0 { 1.0 } else { -1.0 };
    };
    text.to_lowercase().split_whitespace().for_each(&mut add);
    characters.windows(3).for_each(|run| add(&run.iter().collect::<String>()));
    vector
}
