//! The object for kernels before 5.8: what it is told is written into its instructions, its maps are made as long as there
//! are CPUs.

use std::collections::BTreeMap;

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, HashMap, MapData, MapError},
};
use tracer_common::{
    config::REASON_WORDS,
    legacy::{LENGTHS, MARK, NO_LENGTH, PER_CPU, Prefix},
};

use super::{KernelFilter, load_failure};
use crate::error::{Exit, Failure};

#[cfg(not(no_ebpf))]
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/legacy"));
#[cfg(no_ebpf)]
static OBJECT: &[u8] = &[];

/// The parts of [`tracer_common::legacy::Told`], in its order, as far as the filter does not say them.
pub(super) struct Words<'a> {
    pub(super) offsets: &'a [u32],
    pub(super) filter: &'a [u32],
    pub(super) shape: &'a [u32],
    pub(super) sampling: &'a [u32],
}

/// Loads the object; nothing is attached yet.
pub(super) fn load(
    words: &Words<'_>,
    reasons: [u64; REASON_WORDS],
    filter: &KernelFilter,
) -> Result<Ebpf, Failure> {
    let cpus = cpus()?;
    let lengths = lengths(&filter.prefixes)?;
    let all =
        [words.offsets, words.filter, words.shape, words.sampling, &[cpus], lengths.as_slice()].concat();
    let mut object = OBJECT.to_vec();
    tell(&mut object, &all);
    let mut loader = EbpfLoader::new();
    for (map, each) in PER_CPU {
        loader.map_max_entries(map, each * cpus);
    }
    let mut ebpf = loader.load(&object).map_err(|error| load_failure(&error))?;
    fill(&mut ebpf, reasons, filter).map_err(|error| load_failure(&error))?;
    Ok(ebpf)
}

/// Bytes of each program as it is loaded.
pub(super) fn sizes() -> BTreeMap<String, u32> {
    let Ok(object) = aya_obj::Object::parse(OBJECT) else { return BTreeMap::new() };
    let size = |program: &aya_obj::Program| {
        let function = object.functions.get(&program.function_key())?;
        u32::try_from(size_of_val(function.instructions.as_slice())).ok()
    };
    object.programs.iter().filter_map(|(name, program)| Some((name.clone(), size(program)?))).collect()
}

/// CPUs that the kernel may have.
pub(super) fn cpus() -> Result<u32, Failure> {
    let counted = aya::util::nr_cpus().map_err(|(file, error)| {
        Failure::new(
            Exit::Unable,
            "cannot tell how many CPUs there are",
            format!("{file}: {}", crate::error::words(&error)),
            "mount it: `mount -t sysfs sysfs /sys`",
        )
    })?;
    Ok(u32::try_from(counted).unwrap_or(u32::MAX))
}

/// Writes the words where the programs have their marks: the constant of an instruction that loads 64 bits
/// (`BPF_LD | BPF_IMM | BPF_DW`, in two halves of 8 bytes). Returns how many.
pub(in crate::kernel) fn tell(object: &mut [u8], words: &[u32]) -> usize {
    const LOAD: u8 = 0x18;
    let mut told = 0;
    for at in (0..object.len().saturating_sub(15)).step_by(8) {
        let word = |offset: usize| {
            object
                .get(at + offset..at + offset + 4)
                .map_or(0, |bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        // The source register and the other half's operation are 0.
        if object[at] != LOAD || object[at + 1] >> 4 != 0 || word(8) != 0 || word(12) != MARK {
            continue;
        }
        if let Some(value) = words.get(word(4) as usize) {
            object[at + 4..at + 8].copy_from_slice(&value.to_le_bytes());
            object[at + 12..at + 16].fill(0);
            told += 1;
        }
    }
    told
}

/// The different lengths of the prefixes, the longest first.
fn lengths(prefixes: &[(u32, [u8; 16])]) -> Result<[u32; LENGTHS], Failure> {
    let mut found: Vec<u32> = prefixes.iter().map(|(len, _)| *len).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    if found.len() > LENGTHS {
        return Err(Failure::new(
            Exit::Usage,
            "too many different prefix lengths",
            format!("the hook set legacy looks for {LENGTHS}, and --from was given {}", found.len()),
            "give prefixes of fewer lengths: `tracer --from 198.51.100.0/24`",
        ));
    }
    found.resize(LENGTHS, NO_LENGTH);
    Ok(std::array::from_fn(|n| found[n]))
}

fn fill(ebpf: &mut Ebpf, reasons: [u64; REASON_WORDS], filter: &KernelFilter) -> Result<(), MapError> {
    set(ebpf, "PORTS", filter.ports.as_slice())?;
    set(ebpf, "REASONS", &reasons)?;
    let map = ebpf.map_mut("PREFIXES").ok_or(MapError::ElementNotFound)?;
    let mut prefixes: HashMap<&mut MapData, [u8; size_of::<Prefix>()], u8> = HashMap::try_from(map)?;
    for (len, addr) in &filter.prefixes {
        let mut key = [0; size_of::<Prefix>()];
        key[..4].copy_from_slice(&len.to_ne_bytes());
        key[4..].copy_from_slice(addr);
        prefixes.insert(key, 1, 0)?;
    }
    Ok(())
}

/// An array begins as zeros.
fn set(ebpf: &mut Ebpf, name: &str, words: &[u64]) -> Result<(), MapError> {
    let map = ebpf.map_mut(name).ok_or(MapError::ElementNotFound)?;
    let mut array: Array<&mut MapData, u64> = Array::try_from(map)?;
    for (index, word) in (0_u32..).zip(words).filter(|(_, word)| **word != 0) {
        array.set(index, word, 0)?;
    }
    Ok(())
}

const _: () = assert!(size_of::<Prefix>() == 20);

#[cfg(test)]
mod tests {
    use tracer_common::legacy::WORDS;

    use super::*;

    /// An instruction as the compiler leaves it.
    fn marked(register: u8, number: u32) -> Vec<u8> {
        let mut bytes = vec![0x18, register, 0, 0];
        bytes.extend(number.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(MARK.to_le_bytes());
        bytes
    }

    #[test]
    fn words_take_the_place_of_marks() {
        let mut object = [vec![0; 8], marked(3, 1), vec![0xff; 8], marked(0, 0), marked(1, 2)].concat();
        let before = object.clone();
        assert_eq!(tell(&mut object, &[7, u32::MAX]), 2);
        assert_eq!(object[8..24], [0x18, 3, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(object[32..48], [0x18, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        // A number beyond the words is none of ours, and so is an address (source register 1).
        assert_eq!(object[48..], before[48..]);
        let mut map = marked(0x13, 0);
        assert_eq!(tell(&mut map, &[7]), 0);
    }

    #[test]
    fn the_object_is_told_everything() {
        if OBJECT.is_empty() {
            return;
        }
        let mut object = OBJECT.to_vec();
        assert!(tell(&mut object, &[0; WORDS]) > 100);
        assert_eq!(tell(&mut object, &[0; WORDS]), 0);
        let mark = MARK.to_le_bytes();
        assert!(!object.chunks_exact(4).any(|word| word == mark), "a mark is left");
    }

    /// No verifier before 5.2 takes more.
    #[test]
    fn no_program_is_longer_than_4096_instructions() {
        let sizes = sizes();
        assert_eq!(sizes.is_empty(), OBJECT.is_empty());
        for (program, bytes) in sizes {
            assert!(bytes > 8 && bytes <= 8 * 4096, "{program}: {bytes} bytes");
        }
    }

    #[test]
    fn lengths_of_prefixes() {
        let of = |lens: &[u32]| lengths(&lens.iter().map(|len| (*len, [0; 16])).collect::<Vec<_>>());
        let n = NO_LENGTH;
        assert_eq!(of(&[]).unwrap(), [n; LENGTHS]);
        assert_eq!(of(&[120, 128, 33, 120]).unwrap(), [128, 120, 33, n, n, n, n, n]);
        assert!(of(&[1, 2, 3, 4, 5, 6, 7, 8]).is_ok());
        assert!(of(&[1, 2, 3, 4, 5, 6, 7, 8, 9]).is_err());
    }
}
