use proptest::prelude::*;

use super::*;

fn sample(memory: &[u8], want: Want) -> Sample<u8> {
    Sample { memory: memory.to_vec(), wants: vec![(0, want)] }
}

fn rare(word: u32) -> Want {
    Want::Rare(word.to_ne_bytes().to_vec())
}

/// Words of 32 bits, as they stand in memory.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

#[test]
fn one_place_and_no_other() {
    let at = |first: &[u32], second: &[u32]| {
        let first = [sample(&words(first), rare(7)), sample(&words(&[1, 9, 2]), rare(9))];
        find(&first, &[sample(&words(second), rare(5))], &0)
    };
    assert_eq!(at(&[0, 7, 0], &[0, 5, 0]), Some(4));
    // The first samples have it in two places, or in none.
    assert_eq!(at(&[7, 0, 0], &[5, 5, 5]), None);
    // The second one has it elsewhere, or is too short.
    assert_eq!(at(&[0, 7, 0], &[5, 0, 0]), None);
    assert_eq!(at(&[0, 7, 0], &[5]), None);
    let twice = [sample(&words(&[7, 7]), rare(7))];
    assert_eq!(find(&twice, &twice, &0), None);
    assert_eq!(find(&twice, &twice, &1), None);
}

#[test]
fn what_is_not_confirmed_is_not_found() {
    let first = [sample(&words(&[0, 7]), rare(7))];
    assert_eq!(find(&first, &[], &0), None);
    assert_eq!(find(&[], &first, &0), None);
    assert_eq!(find(&first, &first, &0), Some(4));
}

#[test]
fn a_number_that_is_always_the_same_is_found_where_nothing_else_is() {
    let one = |beside, value: u32| sample(&words(&[beside, value]), Want::number(4, value.into()));
    assert_eq!(find(&[one(7, 7), one(7, 7)], &[one(7, 7)], &0), None);
    assert_eq!(find(&[one(7, 7), one(9, 7)], &[one(7, 7)], &0), Some(4));
    assert_eq!(find(&[one(7, 7), one(7, 8)], &[one(7, 7)], &0), Some(4));
}

#[test]
fn numbers_of_every_size_at_multiples_of_it() {
    let memory = [0, 3, 3, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(number(&memory[1..], 1), Some(3));
    assert_eq!(number(&memory[..1], 2), None);
    for (bytes, at) in [(2, 2), (4, 8), (8, 8)] {
        let three = sample(&memory, Want::number(bytes, 3));
        let zero = sample(&[0; 16], Want::number(bytes, 0));
        assert_eq!(find(&[three.clone(), zero], &[three], &0), (bytes != 2).then_some(at), "{bytes}");
    }
    // Bits that count, and ranges.
    let bits = |low: u64| Want::Number { bytes: 1, mask: 7, any_of: vec![5..=5, low..=low + 1] };
    let samples = [sample(&[0xf8, 0x0a], bits(2)), sample(&[0xf8, 0x0c], bits(4))];
    assert_eq!(find(&samples, &samples, &0), Some(1));
}

fn pointing(memory: &[u8], targets: &[(u32, &[u8])], want: Want) -> Pointing {
    let targets = targets.iter().map(|(at, memory)| (*at, memory.to_vec())).collect();
    Pointing { memory: memory.to_vec(), targets, want }
}

#[test]
fn pointers_to_what_is_wanted() {
    let target = words(&[0, 0, 77]);
    let good = pointing(&[], &[(8, &words(&[1, 2, 3])), (16, &target)], rare(77));
    assert_eq!(find_pointer(std::slice::from_ref(&good), std::slice::from_ref(&good)), Some((16, 8)));
    // Two structures lead there.
    let both = pointing(&[], &[(8, &target), (16, &target)], rare(77));
    assert_eq!(find_pointer(std::slice::from_ref(&both), std::slice::from_ref(&both)), None);
    // One of them always does.
    assert_eq!(find_pointer(&[both.clone(), good.clone()], std::slice::from_ref(&both)), Some((16, 8)));
    let other = pointing(&[], &[(8, &target)], rare(77));
    assert_eq!(find_pointer(std::slice::from_ref(&good), &[other]), None);
    assert_eq!(find_pointer(&[], &[good]), None);
}

#[test]
fn a_base_and_the_number_that_leads_from_there() {
    // At 4 the number 3, at 6 the number 200, which leads nowhere.
    let memory = [0, 0, 0, 0, 3, 0, 200, 0];
    let good = pointing(&memory, &[(8, &[9, 9, 9, 0xaa, 0xbb]), (16, &[0; 8])], Want::Rare(vec![0xaa, 0xbb]));
    assert_eq!(find_base_and_step(std::slice::from_ref(&good), std::slice::from_ref(&good)), Some((8, 4)));
    // Another number leads there, too.
    let twice = Pointing { memory: vec![3, 0, 0, 0, 3, 0], ..good.clone() };
    assert_eq!(find_base_and_step(std::slice::from_ref(&twice), std::slice::from_ref(&twice)), None);
    assert_eq!(find_base_and_step(&[twice, good.clone()], &[good]), Some((8, 4)));
}

#[test]
fn ticks_are_what_two_structures_have_in_common() {
    let before = words(&[0, 5, 0, 0]);
    let one = words(&[90_001, 6, 1, 0]);
    let other = words(&[1, 5, 0, 90_003]);
    assert_eq!(ticks([&before, &one], [&before, &other]), Some(89_969..=90_033));
    // Small numbers count something; what was not 0 before is something else.
    assert_eq!(ticks([&before, &words(&[1, 5, 0, 0])], [&before, &words(&[2, 5, 0, 0])]), None);
    assert_eq!(ticks([&before, &words(&[0, 90_000, 0, 0])], [&before, &other]), None);
    // Which of two?
    assert_eq!(ticks([&before, &words(&[90_000, 5, 90_001, 0])], [&before, &other]), None);
}

/// Memory of several samples, each with its own value at the same place, and copies of it elsewhere.
#[derive(Debug)]
struct Planted {
    at: u32,
    samples: Vec<Sample<u8>>,
}

fn planted(number: bool) -> impl Strategy<Value = Planted> {
    let memory = || proptest::collection::vec(0..4_u32, 12);
    let sample = (memory(), proptest::collection::vec((0..12_usize, any::<bool>()), 0..6), 0..3_u32);
    (0..12_usize, proptest::collection::vec(sample, 2..7)).prop_map(move |(at, samples)| {
        let one = |(mut memory, decoys, value): (Vec<u32>, Vec<(usize, bool)>, u32)| {
            for (place, _) in decoys.into_iter().filter(|(_, put)| *put) {
                memory[place] = value;
            }
            memory[at] = value;
            let want = if number { Want::number(4, value.into()) } else { rare(value) };
            sample_of(&memory, want)
        };
        let at_bytes = u32::try_from(at * 4).unwrap_or(0);
        Planted { at: at_bytes, samples: samples.into_iter().map(one).collect() }
    })
}

fn sample_of(memory: &[u32], want: Want) -> Sample<u8> {
    sample(&words(memory), want)
}

proptest! {
    /// The right place or none, whatever else stands in memory: small numbers, so that decoys are everywhere.
    #[test]
    fn never_another_place(planted in prop_oneof![planted(true), planted(false)], cut in 0..7_usize) {
        let Planted { at, samples } = planted;
        let (first, second) = samples.split_at(cut.min(samples.len()));
        let found = find(first, second, &0);
        prop_assert!(found.is_none() || found == Some(at), "{found:?}, not {at}");
    }

    /// Enough samples of values that differ leave one place.
    #[test]
    fn found_when_values_are_unusual(at in 0..64_usize, noise in any::<[[u32; 64]; 4]>()) {
        let one = |memory: &[u32; 64]| {
            let mut memory = *memory;
            memory[at] = memory[(at + 1) % 64].wrapping_mul(3) | 1;
            sample_of(&memory, rare(memory[at]))
        };
        let samples: Vec<_> = noise.iter().map(one).collect();
        prop_assert_eq!(find(&samples[..2], &samples[2..], &0), u32::try_from(at * 4).ok());
    }

    /// Whatever memory holds, nothing panics, and what is found is there.
    #[test]
    fn any_memory(
        first in proptest::collection::vec(any::<u8>(), 0..64),
        second in proptest::collection::vec(any::<u8>(), 0..64),
        bytes in proptest::sample::select(vec![1_usize, 2, 4, 8]),
        value in 0..4_u64,
    ) {
        let samples = |memory: &[u8]| [sample(memory, Want::number(bytes, value)), sample(memory, Want::number(bytes, value + 1))];
        prop_assert_eq!(find(&samples(&first), &samples(&second), &0), None, "one memory cannot have two values");
        let pair = pointing(&first, &[(0, &second)], Want::Rare(second.iter().copied().take(bytes).collect()));
        if let Some((at, step)) = find_base_and_step(std::slice::from_ref(&pair), std::slice::from_ref(&pair)) {
            prop_assert_eq!(at, 0);
            prop_assert!((step as usize) + 2 <= first.len());
        }
        let _ = ticks([&first, &second], [&second, &first]);
    }
}
