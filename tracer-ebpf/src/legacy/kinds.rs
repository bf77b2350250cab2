//! The kinds of maps that kernels before 5.8 may lack, made of arrays and hashes: one value a CPU (4.6), one that forgets
//! (4.10), one of prefixes (4.11).

pub use aya_ebpf::maps::Array;
use aya_ebpf::{helpers::generated::bpf_get_smp_processor_id, macros::map, maps::HashMap};
use tracer_common::{
    config::{MAX_PREFIXES, SAMPLED_SOURCES},
    facts::Source,
    legacy::{NO_LENGTH, Prefix, part},
};

use crate::{maps::scattered, packet::MAPPED, word::word};

/// This object is the one for kernels before 5.8.
pub const LEGACY: bool = true;

/// The pointer that a look-up gave, or null, so that every verifier sees which: before 4.10 it does not know that two
/// registers hold the same one, and the compiler compares either.
#[inline(always)]
fn known<T>(pointer: *mut T) -> Option<*mut T> {
    #[cfg(target_arch = "bpf")]
    let pointer = {
        let mut word = pointer as u64;
        // SAFETY: writes a zero where there is one.
        #[expect(unsafe_code, reason = "a comparison that the compiler may not move")]
        unsafe {
            core::arch::asm!("if {word} != 0 goto +1", "{word} = 0", word = inout(reg) word, options(nostack));
        }
        word as *mut T
    };
    if pointer.is_null() { None } else { Some(pointer) }
}

fn looked_up<T>(found: Option<*mut T>) -> Option<*mut T> {
    known(found.unwrap_or_default())
}

/// The CPU that runs this.
#[inline(always)]
pub fn cpu() -> u32 {
    // SAFETY: takes nothing, returns a number.
    #[expect(unsafe_code, reason = "a BPF helper")]
    unsafe {
        bpf_get_smp_processor_id() as u32
    }
}

/// Values of each CPU, one CPU behind the other. User space makes it as long as there are CPUs.
#[repr(transparent)]
pub struct PerCpuArray<T>(Array<T>);

impl<T> PerCpuArray<T> {
    /// Room for so many values of one CPU.
    pub const fn with_max_entries(max_entries: u32, flags: u32) -> Self {
        Self(Array::with_max_entries(max_entries, flags))
    }

    /// This CPU's value.
    #[inline(always)]
    pub fn get_ptr_mut(&self, index: u32) -> Option<*mut T> {
        looked_up(self.0.get_ptr_mut(index * word::<{ part::CPUS }>() + cpu()))
    }
}

/// What is known of sources. Of two in one place the later one has it.
#[repr(transparent)]
pub struct LruHashMap<K, V>(Array<Entry<K, V>>);

#[repr(C)]
pub struct Entry<K, V> {
    /// First: the verifier of 4.9 forgets pointers into the midst of a value when registers are short.
    value: V,
    /// What tells sources apart: never 0.
    mark: u64,
    key: core::marker::PhantomData<K>,
}

impl<V> LruHashMap<Source, V> {
    /// As many places, a power of two.
    pub const fn with_max_entries(max_entries: u32, flags: u32) -> Self {
        assert!(max_entries == SAMPLED_SOURCES && max_entries.is_power_of_two());
        Self(Array::with_max_entries(max_entries, flags))
    }

    #[inline(always)]
    fn place(&self, source: &Source) -> Option<(*mut Entry<Source, V>, u64)> {
        let mark = scattered(&source.addr, source.netns.into()) | 1;
        let place = (mark >> 8) as u32 & (SAMPLED_SOURCES - 1);
        Some((looked_up(self.0.get_ptr_mut(place))?, mark))
    }

    /// What is known of this one.
    #[inline(always)]
    pub fn get_ptr_mut(&self, source: &Source) -> Option<*mut V> {
        let (entry, mark) = self.place(source)?;
        // SAFETY: a map value.
        #[expect(unsafe_code, reason = "a map value")]
        unsafe {
            if (*entry).mark == mark { Some(&raw mut (*entry).value) } else { None }
        }
    }

    /// From now on this is known of it.
    #[inline(always)]
    pub fn insert(&self, source: &Source, value: &V, _flags: u64) -> Result<(), ()> {
        let (entry, mark) = self.place(source).ok_or(())?;
        // SAFETY: a map value, of plain words.
        #[expect(unsafe_code, reason = "a map value")]
        unsafe {
            (*entry).mark = mark;
            (&raw mut (*entry).value).copy_from_nonoverlapping(value, 1);
        }
        Ok(())
    }
}

#[map]
static PREFIXES: HashMap<Prefix, u8> = HashMap::with_max_entries(MAX_PREFIXES, 0);

/// Whether the client is inside one of the prefixes: one look for each length that they have.
#[inline(always)]
pub fn prefix_wanted(saddr: &[u8; 16]) -> bool {
    const L: usize = part::LENGTHS;
    inside(saddr, word::<L>())
        || inside(saddr, word::<{ L + 1 }>())
        || inside(saddr, word::<{ L + 2 }>())
        || inside(saddr, word::<{ L + 3 }>())
        || inside(saddr, word::<{ L + 4 }>())
        || inside(saddr, word::<{ L + 5 }>())
        || inside(saddr, word::<{ L + 6 }>())
        || inside(saddr, word::<{ L + 7 }>())
}

#[inline(always)]
fn inside(saddr: &[u8; 16], len: u32) -> bool {
    let half = |at: usize| {
        let a = &saddr[at..at + 8];
        u64::from_be_bytes([a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]])
    };
    let (high, low) = (half(0), half(8));
    // IPv4 lives inside of the 128-bit form; a wide IPv6 prefix does not mean it.
    let v4 = high == 0 && low >> 32 == 0xffff;
    if len == NO_LENGTH || v4 && len < 8 * MAPPED.len() as u32 {
        return false;
    }
    let mut prefix = Prefix { len, addr: [0; 16] };
    prefix.addr[..8].copy_from_slice(&kept(high, len).to_be_bytes());
    prefix.addr[8..].copy_from_slice(&kept(low, len.saturating_sub(64)).to_be_bytes());
    PREFIXES.get_ptr(prefix).is_some()
}

/// The upper bits; all 64 where there are more.
#[inline(always)]
fn kept(word: u64, bits: u32) -> u64 {
    if bits >= 64 {
        word
    } else if bits == 0 {
        0
    } else {
        word & (u64::MAX << (64 - bits))
    }
}
