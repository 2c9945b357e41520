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

/// Lists of an inverted file here.
const LISTS: usize = 120;

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

/// Without lists, and with so many that a search looks into a few of them only.
fn check(name: &str, dimensions: usize, rows: Vec<Vec<f32>>, queries: &[Vec<f32>]) {
    for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
        for inverted in [false, true] {
            // The four-bit codes of a large table are read, not mapped: a search by ids goes another way there.
            let lists =
                Options { inverted_rows: 2000, list_rows: rows.len() / LISTS, mapped_records: 0, ..quiet() };
            let options = if inverted { lists } else { quiet() };
            let mut world = World::new(&space(dimensions, metric), options);
            let numbered: Vec<(i64, i64, Vec<f32>)> =
                rows.iter().enumerate().map(|(id, row)| (id as i64, (id % 10) as i64, row.clone())).collect();
            world.upsert(&numbered);
            world.settle();
            let segment = world.table.stats(&world.connection).unwrap().segments[0].clone();
            assert!(segment.lists >= if inverted { 100 } else { 1 }, "{name}: {segment:?}");
            let tenth: Vec<i64> = (0..rows.len() as i64).filter(|id| id % 10 == 3).collect();
            let few: Vec<i64> = (0..rows.len() as i64).filter(|id| id % 40 == 3).collect();
            let (few, only) = (Filter::Ids(&few), [Filter::Ids(&tenth), Filter::Collections(&[3, 4])]);
            let all = recall(&world, queries, &Filter::All, Recall::Balanced);
            let shares = [
                all,
                recall(&world, queries, &Filter::Collections(&[3]), Recall::Balanced),
                recall(&world, queries, &Filter::And(&only), Recall::Balanced),
                recall(&world, queries, &few, Recall::Balanced),
            ];
            let fast = recall(&world, queries, &Filter::All, Recall::Fast);
            let exact = recall(&world, &queries[..queries.len().min(10)], &Filter::All, Recall::Exact);
            println!(
                "{name}, {metric:?}, {} lists ({} looked into at most): all {all:.4}, a tenth {:.4} and {:.4}, a fortieth {:.4}, fast {fast:.4}, exact {exact}",
                segment.lists, segment.probes, shares[1], shares[2], shares[3]
            );
            assert!(
                shares.iter().all(|found| *found >= 0.99),
                "{name} by {metric:?}, {segment:?}: {shares:?}"
            );
            assert!(exact == 1.0, "{name} by {metric:?}: exact is exact, not {exact}");
            assert!(fast >= 0.5, "{name} by {metric:?}: fast finds most, not {fast}");
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

/// The questions of XQuAD, English and Chinese, against its paragraphs and the other questions: as the simulator embeds
/// them, and as words and runs of three characters hashed into 512 places.
#[test]
fn questions_and_paragraphs() {
    let corpora = std::env::var_os("EDGEWISE_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = corpora.join("retrieval");
    let (paragraphs, questions) = texts(&folder);
    if questions.is_empty() {
        println!(
            "no questions in {} (EDGEWISE_CORPORA): the recall on real text was not measured",
            folder.display()
        );
        return;
    }
    let (asked, known): (Vec<_>, Vec<_>) =
        questions.iter().enumerate().partition(|(index, _)| index % 23 == 0);
    let rows: Vec<&String> = paragraphs.iter().chain(known.into_iter().map(|(_, text)| text)).collect();
    let queries: Vec<&String> = asked.into_iter().map(|(_, text)| text).take(80).collect();
    println!("{} rows, {} queries", rows.len(), queries.len());
    let simulated = |text: &&String| {
        simulator::embed("@cf/baai/bge-m3", "cls", text).expect("the simulator knows the model")
    };
    let vectors = |embed: &dyn Fn(&&String) -> Vec<f32>| {
        (rows.iter().map(embed).collect::<Vec<_>>(), queries.iter().map(embed).collect::<Vec<_>>())
    };
    let (rows_simulated, queries_simulated) = vectors(&simulated);
    check("XQuAD, simulated", rows_simulated[0].len(), rows_simulated, &queries_simulated);
    let (rows_hashed, queries_hashed) = vectors(&|text| hashed(text, 512));
    check("XQuAD, hashed", 512, rows_hashed, &queries_hashed);
}

/// The paragraphs and the questions of all files.
fn texts(folder: &std::path::Path) -> (Vec<String>, Vec<String>) {
    let (mut paragraphs, mut questions) = (Vec::new(), Vec::new());
    for language in ["en", "zh"] {
        let Ok(text) = std::fs::read_to_string(folder.join(format!("xquad.{language}.json"))) else {
            continue;
        };
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        for paragraph in file["data"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|article| article["paragraphs"].as_array().unwrap())
        {
            paragraphs.extend(paragraph["context"].as_str().map(str::to_owned));
            let asked = paragraph["qas"].as_array().unwrap().iter();
            questions.extend(asked.filter_map(|asked| asked["question"].as_str().map(str::to_owned)));
        }
    }
    (paragraphs, questions)
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
