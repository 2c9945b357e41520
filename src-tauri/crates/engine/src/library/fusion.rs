//! The rule of fusion: how the evidence of words (BM25) and that of vectors are put together into one order.
//!
//! Ranks alone cannot tell a first place that is far ahead from one by a hair, nor a list that knows from one that
//! guesses; so each rank counts by the evidence behind it. That of the words is BM25, which adds up log-odds. That of a
//! vector is how far it stands out, in the same unit: were the scores of a list chance, their tail would be exponential,
//! and the odds against a score fall with its distance to the last in means of the list. Vectors that merely repeat the
//! words count less.

use std::collections::HashMap;
use vector_table::Hit;

/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): a first place weighs 1/61.
const RANK_CONSTANT: f64 = 60.0;
/// The rank correlation with the words from which vectors say nothing of their own. Below it they count by what is left:
/// of two that mostly repeat each other, the weaker adds little but its mistakes.
const REPEATING: f64 = 0.5;
/// Fewer passages than this tell no correlation.
const LEAST_COMPARED: usize = 4;

/// The places of a passage on the lists.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) score: f64,
    /// Rank (0: only measured), score and distance.
    pub(super) vector: Option<(u32, f32, f32)>,
    /// Rank and score.
    pub(super) keyword: Option<(u32, f64)>,
}

/// Fuses the nearest of each space and the hits of the words by reciprocal rank, best first. `beside` are the vectors'
/// scores of passages that only the words found: they give no rank.
pub(super) fn fuse(nearest: &[Vec<Hit>], beside: &[Vec<Hit>], words: &[(i64, f64)]) -> Vec<(i64, Place)> {
    let mut places: HashMap<i64, Place> = HashMap::new();
    for (rank, (key, score)) in (1_u32..).zip(words) {
        let place = places.entry(*key).or_default();
        place.keyword = Some((rank, *score));
        place.score += score.max(0.0) / (RANK_CONSTANT + f64::from(rank));
    }
    for (hits, beside) in nearest.iter().zip(beside) {
        let evidence = standing_out(hits);
        let own = own_share(hits, beside, words, evidence.first().copied().unwrap_or_default());
        for ((rank, hit), evidence) in (1_u32..).zip(hits).zip(evidence) {
            let place = places.entry(hit.id).or_default();
            place.vector = Some((rank, hit.score, hit.distance));
            place.score += own * evidence / (RANK_CONSTANT + f64::from(rank));
        }
        for hit in beside {
            places.entry(hit.id).or_default().vector.get_or_insert((0, hit.score, hit.distance));
        }
    }
    let mut ranked: Vec<(i64, Place)> = places.into_iter().collect();
    ranked.sort_by(|(one, a), (other, b)| {
        let nearer = |place: &Place| place.vector.map_or(f32::INFINITY, |(_, _, distance)| distance);
        b.score.total_cmp(&a.score).then(nearer(a).total_cmp(&nearer(b))).then(one.cmp(other))
    });
    ranked
}

/// How far each hit is above the last of its list, in means of the list: 0 for the last, at most as many as there are hits
/// for the best. Where none stands out, each counts 1.
fn standing_out(hits: &[Hit]) -> Vec<f64> {
    let scores = || hits.iter().map(|hit| f64::from(hit.score));
    let last = scores().next_back().unwrap_or_default();
    let mean = scores().map(|score| score - last).sum::<f64>() / hits.len().max(1) as f64;
    scores().map(|score| if mean > 0.0 { (score - last) / mean } else { 1.0 }).collect()
}

/// How much of what the vectors say is their own, from 0 to 1: all of it when their best stands out further than that of the
/// words, else what the words' hits (without either best, which are what is in question) do not tell already.
fn own_share(hits: &[Hit], beside: &[Hit], words: &[(i64, f64)], outstanding: f64) -> f64 {
    let (Some(nearest), Some((best, score))) = (hits.first(), words.first()) else { return 1.0 };
    if outstanding > *score {
        return 1.0;
    }
    let near: HashMap<i64, f64> =
        hits.iter().chain(beside).map(|hit| (hit.id, f64::from(hit.score))).collect();
    let (by_words, by_vectors): (Vec<f64>, Vec<f64>) = words
        .iter()
        .filter(|(key, _)| key != best && *key != nearest.id)
        .filter_map(|(key, score)| Some((*score, *near.get(key)?)))
        .unzip();
    if by_words.len() < LEAST_COMPARED {
        return 1.0;
    }
    (1.0 - rank_correlation(&by_words, &by_vectors) / REPEATING).clamp(0.0, 1.0)
}

/// Spearman's: 1 when both order alike, 0 when one tells nothing of the other or is all the same.
fn rank_correlation(one: &[f64], other: &[f64]) -> f64 {
    let centred = |values: &[f64]| {
        let middle = (values.len() as f64 + 1.0) / 2.0;
        ranks(values).into_iter().map(|rank| rank - middle).collect::<Vec<f64>>()
    };
    let (one, other) = (centred(one), centred(other));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let spread = (product(&one, &one) * product(&other, &other)).sqrt();
    if spread > 0.0 { product(&one, &other) / spread } else { 0.0 }
}

/// The rank of each value, from 1; equal ones share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        for index in equal {
            ranks[*index] = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        }
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::{Hit, fuse, own_share, rank_correlation, standing_out};

    fn near(scores: &[(i64, f32)]) -> Vec<Hit> {
        scores.iter().map(|&(id, score)| Hit { id, score, distance: 1.0 - score }).collect()
    }

    fn order(nearest: &[(i64, f32)], beside: &[(i64, f32)], words: &[(i64, f64)]) -> Vec<i64> {
        let ranked = fuse(&[near(nearest)], &[near(beside)], words);
        assert!(ranked.iter().all(|(_, place)| place.score.is_finite()));
        ranked.into_iter().map(|(key, _)| key).collect()
    }

    /// Words that are sure of 1, with 2 and 3 behind.
    const SURE: [(i64, f64); 6] = [(1, 20.0), (2, 12.0), (3, 6.0), (4, 5.0), (5, 4.0), (6, 3.0)];
    /// Words that prefer 1 to 2 by a hair.
    const UNSURE: [(i64, f64); 6] = [(1, 8.2), (2, 8.0), (3, 5.0), (4, 4.0), (5, 3.0), (6, 2.0)];
    /// Vectors in which 2 stands out, and whose others are in no order that the words know.
    const CLEAR: [(i64, f32); 7] =
        [(2, 0.8), (1, 0.34), (5, 0.33), (4, 0.33), (3, 0.32), (6, 0.32), (7, 0.30)];
    /// The same but for the others, which lie as the words have them.
    const REPEATED: [(i64, f32); 7] =
        [(2, 0.8), (1, 0.34), (3, 0.33), (4, 0.328), (5, 0.325), (6, 0.32), (7, 0.30)];

    #[test]
    fn vectors_that_guess_do_not_displace_what_the_words_are_sure_of() {
        let guesses = [(2, 0.66), (9, 0.65), (8, 0.64), (6, 0.63), (7, 0.62), (4, 0.61), (1, 0.60)];
        let found = order(&guesses, &[(3, 0.5), (5, 0.55)], &SURE);
        assert_eq!(found[..2], [1, 2], "by bare ranks 2 would lead");
        assert!(found.contains(&9), "what only the vectors found is still there");
    }

    #[test]
    fn vectors_that_know_decide_where_the_words_do_not() {
        assert_eq!(order(&CLEAR, &[], &UNSURE)[..2], [2, 1]);
        assert_eq!(order(&CLEAR, &[], &SURE)[0], 1, "but they do not outweigh words that are sure");
    }

    #[test]
    fn vectors_that_repeat_the_words_have_no_say() {
        assert_eq!(order(&REPEATED, &[], &UNSURE)[..2], [1, 2]);
    }

    #[test]
    fn repeating_is_no_matter_when_the_vectors_stand_out_further_than_the_words() {
        let weak: Vec<(i64, f64)> = UNSURE.iter().map(|&(key, score)| (key, score / 2.0)).collect();
        assert_eq!(order(&REPEATED, &[], &weak)[..2], [2, 1]);
    }

    #[test]
    fn the_share_falls_with_the_correlation_and_needs_enough_passages() {
        let share = |hits: &[(i64, f32)], words: &[(i64, f64)]| own_share(&near(hits), &[], words, 1.0);
        assert!(share(&REPEATED, &UNSURE) < 1e-9);
        assert!((share(&CLEAR, &UNSURE) - 1.0).abs() < 1e-9);
        assert!((share(&REPEATED, &UNSURE[..4]) - 1.0).abs() < 1e-9, "two others tell nothing");
        let measured = own_share(&near(&REPEATED[..2]), &near(&REPEATED[2..]), &UNSURE, 1.0);
        assert!(measured < 1e-9, "passages that were only measured are compared too");
    }

    #[test]
    fn equal_lists_keep_their_order() {
        let same: Vec<(i64, f32)> = SURE.iter().map(|&(key, score)| (key, score as f32 / 20.0)).collect();
        assert_eq!(order(&same, &[], &SURE), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn one_side_alone_keeps_its_order() {
        assert_eq!(order(&[], &[], &SURE), [1, 2, 3, 4, 5, 6]);
        assert_eq!(order(&CLEAR, &[], &[]), [2, 1, 5, 4, 3, 6, 7]);
        assert!(fuse(&[], &[], &[]).is_empty());
    }

    #[test]
    fn single_hits_count() {
        assert_eq!(order(&[(7, 0.9)], &[], &[]), [7]);
        assert_eq!(order(&[], &[], &[(7, 0.000_001)]), [7]);
        let found = fuse(&[near(&[(7, 0.9)])], &[Vec::new()], &[(7, 3.0)]);
        assert_eq!(found.len(), 1);
        assert!((found[0].1.score - 4.0 / 61.0).abs() < 1e-9, "BM25 and 1, both in the first place");
    }

    #[test]
    fn ties_are_broken_by_the_vectors_and_then_by_age() {
        let level = [(1, 5.0), (2, 5.0), (3, 5.0), (4, 5.0)];
        assert_eq!(order(&[(3, 0.9), (1, 0.5), (2, 0.5), (4, 0.5)], &[], &level)[..2], [3, 1]);
        let apart = fuse(&[near(&[(1, 0.5)]), near(&[(2, 0.5)])], &[Vec::new(), Vec::new()], &[]);
        assert_eq!(apart.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_was_only_measured_has_a_distance_and_no_rank() {
        let found = fuse(&[near(&[(2, 0.9)])], &[near(&[(1, 0.4)])], &[(1, 9.0)]);
        let place = found.iter().find(|(key, _)| *key == 1).map(|(_, place)| *place).unwrap_or_default();
        assert!(
            place.vector.is_some_and(|(rank, score, distance)| rank == 0 && score < 0.5 && distance > 0.5)
        );
        assert!(place.keyword.is_some_and(|(rank, _)| rank == 1));
        assert_eq!(found[0].0, 1);
    }

    #[test]
    fn standing_out_is_told_in_means_of_the_list() {
        let told = |scores: &[(i64, f32)], wanted: &[f64]| {
            let found = standing_out(&near(scores));
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(one, other)| (one - other).abs() < 1e-9)
        };
        let list = [(1, 1.0), (2, 0.5), (3, 0.0), (4, 0.0), (5, 0.0)];
        assert!(told(&list, &[10.0 / 3.0, 5.0 / 3.0, 0.0, 0.0, 0.0]));
        assert!(told(&[(1, -0.4), (2, -0.4)], &[1.0, 1.0]), "none stands out");
        assert!(told(&[], &[]));
    }

    #[test]
    fn ranks_correlate_with_ties_shared() {
        assert!((rank_correlation(&[1.0, 2.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 99.0]) - 1.0).abs() < 1e-9);
        assert!((rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-9);
        assert!(rank_correlation(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]).abs() < 1e-9);
        assert!((rank_correlation(&[1.0, 1.0, 2.0], &[1.0, 1.0, 2.0]) - 1.0).abs() < 1e-9);
    }
}
