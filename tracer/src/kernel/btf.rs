//! Reads BTF, the kernel's description of its own types: where a field is, how many arguments a function takes,
//! what the numbers of an enumeration are called.
//!
//! Pure: bytes in, answers out. Any bytes are answered or refused, never trusted (Documentation/bpf/btf.rst).

use std::collections::HashMap;

/// Why bytes are no BTF, or an answer is not in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// Too short, wrong magic, or another byte order.
    #[error("this is no BTF of a little-endian kernel")]
    NotBtf,
    /// A section or a type reaches beyond the end.
    #[error("the BTF is damaged at byte {0}")]
    Damaged(usize),
    /// There is no such structure.
    #[error("the kernel has no struct {0}")]
    NoStruct(String),
    /// The structure has no such member.
    #[error("struct {0} has no member {1}")]
    NoMember(String, String),
}

const MAGIC: u16 = 0xeb9f;
/// `KSYM_NAME_LEN` (include/linux/kallsyms.h).
const LONGEST_NAME: usize = 512;
/// Anonymous structures and unions inside one structure that are looked through.
const MOST_ANONYMOUS: usize = 256;

mod kind {
    pub(super) const STRUCT: u8 = 4;
    pub(super) const UNION: u8 = 5;
    pub(super) const ENUM: u8 = 6;
    pub(super) const TYPEDEF: u8 = 8;
    pub(super) const VOLATILE: u8 = 9;
    pub(super) const CONST: u8 = 10;
    pub(super) const RESTRICT: u8 = 11;
    pub(super) const PTR: u8 = 2;
    pub(super) const FUNC: u8 = 12;
    pub(super) const FUNC_PROTO: u8 = 13;
    pub(super) const TYPE_TAG: u8 = 18;
    pub(super) const ENUM64: u8 = 19;
}

/// A function's prototype, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// Number of arguments.
    pub args: u32,
    /// Whether it returns anything.
    pub returns: bool,
}

/// Parsed BTF; borrows the bytes.
pub struct Btf<'a> {
    data: &'a [u8],
    strings: &'a [u8],
    /// Where each type starts in `data`; type 0 is `void`.
    starts: Vec<usize>,
    named: HashMap<(u8, &'a str), u32>,
}

#[derive(Clone, Copy)]
struct Type {
    kind: u8,
    kflag: bool,
    vlen: usize,
    /// Size in bytes, or the type referred to.
    refers: u32,
    /// First byte after the common part.
    body: usize,
}

impl<'a> Btf<'a> {
    /// Indexes raw BTF, as in `/sys/kernel/btf/vmlinux`.
    ///
    /// # Errors
    /// When the bytes are no BTF or end early.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BtfError> {
        let word = |at: usize| u32_at(bytes, at).map(|w| w as usize).ok_or(BtfError::NotBtf);
        if bytes.get(..2) != Some(&MAGIC.to_le_bytes()) {
            return Err(BtfError::NotBtf);
        }
        let header = word(4)?;
        let section = |at: usize| -> Result<&'a [u8], BtfError> {
            let start = header.checked_add(word(at)?).ok_or(BtfError::NotBtf)?;
            let end = start.checked_add(word(at + 4)?).ok_or(BtfError::NotBtf)?;
            bytes.get(start..end).ok_or(BtfError::Damaged(start))
        };
        let mut btf =
            Self { data: section(8)?, strings: section(16)?, starts: vec![0], named: HashMap::new() };
        btf.index()?;
        Ok(btf)
    }

    fn index(&mut self) -> Result<(), BtfError> {
        let mut at = 0;
        while at < self.data.len() {
            let (name, found) = self.type_at(at).ok_or(BtfError::Damaged(at))?;
            let id = u32::try_from(self.starts.len()).map_err(|_| BtfError::Damaged(at))?;
            self.starts.push(at);
            if matches!(found.kind, kind::STRUCT | kind::ENUM | kind::ENUM64 | kind::TYPEDEF | kind::FUNC)
                && let Some(name) = self.string(name)
                && !name.is_empty()
            {
                self.named.entry((found.kind, name)).or_insert(id);
            }
            let each = match found.kind {
                1 | 14 | 17 => 4,
                3 => 12,
                kind::STRUCT | kind::UNION | 15 | kind::ENUM64 => 12 * found.vlen,
                kind::ENUM | kind::FUNC_PROTO => 8 * found.vlen,
                kind::PTR..=kind::FUNC | 16 | kind::TYPE_TAG => 0,
                _ => return Err(BtfError::Damaged(at)),
            };
            at = found.body + each;
        }
        Ok(())
    }

    fn type_at(&self, at: usize) -> Option<(u32, Type)> {
        let info = u32_at(self.data, at + 4)?;
        let found = Type {
            kind: (info >> 24 & 0x1f) as u8,
            kflag: info >> 31 == 1,
            vlen: (info & 0xffff) as usize,
            refers: u32_at(self.data, at + 8)?,
            body: at + 12,
        };
        Some((u32_at(self.data, at)?, found))
    }

    fn get(&self, id: u32) -> Option<Type> {
        if id == 0 {
            return None;
        }
        self.type_at(*self.starts.get(id as usize)?).map(|(_, found)| found)
    }

    fn name_of(&self, id: u32) -> Option<&'a str> {
        if id == 0 {
            return None;
        }
        self.string(self.type_at(*self.starts.get(id as usize)?)?.0)
    }

    /// The name at an offset; one that does not end soon is none.
    fn string(&self, at: u32) -> Option<&'a str> {
        let rest = self.strings.get(at as usize..)?;
        let end = rest.iter().take(LONGEST_NAME).position(|b| *b == 0)?;
        std::str::from_utf8(&rest[..end]).ok()
    }

    /// Follows typedefs and qualifiers; a chain longer than any real one is given up.
    fn bare(&self, mut id: u32) -> Option<(u32, Type)> {
        for _ in 0..32 {
            let found = self.get(id)?;
            match found.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = found.refers;
                }
                _ => return Some((id, found)),
            }
        }
        None
    }

    /// Byte offset of a member; `path` names nested members with dots and looks through anonymous ones.
    ///
    /// # Errors
    /// When the structure or the member is not there, or the member is a bit field that is no whole byte.
    pub fn offset(&self, strukt: &str, path: &str) -> Result<u32, BtfError> {
        let no_member = || BtfError::NoMember(strukt.into(), path.into());
        let mut id =
            *self.named.get(&(kind::STRUCT, strukt)).ok_or_else(|| BtfError::NoStruct(strukt.into()))?;
        let mut bits = 0_u32;
        for part in path.split('.') {
            let (id_of, offset) = self.member(id, part, &mut Vec::new()).ok_or_else(no_member)?;
            bits = bits.checked_add(offset).ok_or_else(no_member)?;
            id = id_of;
        }
        if bits.is_multiple_of(8) { Ok(bits / 8) } else { Err(no_member()) }
    }

    /// Type and bit offset of a member. What was `searched` before does not hold it: damaged structures that contain
    /// themselves come to an end.
    fn member(&self, id: u32, wanted: &str, searched: &mut Vec<u32>) -> Option<(u32, u32)> {
        let (id, found) = self.bare(id)?;
        if !matches!(found.kind, kind::STRUCT | kind::UNION)
            || wanted.is_empty()
            || searched.len() >= MOST_ANONYMOUS
            || searched.contains(&id)
        {
            return None;
        }
        searched.push(id);
        for n in 0..found.vlen {
            let at = found.body + 12 * n;
            let (name, inner, offset) =
                (u32_at(self.data, at)?, u32_at(self.data, at + 4)?, u32_at(self.data, at + 8)?);
            // With the flag, the upper byte is the size of a bit field.
            let (size, offset) = if found.kflag { (offset >> 24, offset & 0xff_ffff) } else { (0, offset) };
            let name = self.string(name)?;
            if name == wanted {
                // A bit field of whole bytes is a field like others (`sk_type`, before 5.6).
                return (size % 8 == 0).then_some((inner, offset));
            }
            if name.is_empty()
                && let Some((inner, more)) = self.member(inner, wanted, searched)
            {
                return Some((inner, offset.checked_add(more)?));
            }
        }
        None
    }

    /// Prototype of a function; `None` where the kernel has none of that name (or inlined it everywhere).
    pub fn function(&self, name: &str) -> Option<Prototype> {
        let function = self.get(*self.named.get(&(kind::FUNC, name))?)?;
        let proto = self.get(function.refers)?;
        let args = u32::try_from(proto.vlen).ok()?;
        (proto.kind == kind::FUNC_PROTO).then_some(Prototype { args, returns: proto.refers != 0 })
    }

    /// What a tracepoint hands over: for each argument the name of the structure it points to or of the
    /// enumeration it is, empty for anything else. `None` where there is no such tracepoint.
    pub fn tracepoint(&self, name: &str) -> Option<Vec<&'a str>> {
        let typedef = self.get(*self.named.get(&(kind::TYPEDEF, format!("btf_trace_{name}").as_str()))?)?;
        let pointer = self.get(typedef.refers)?;
        let proto = self.get(pointer.refers)?;
        if pointer.kind != kind::PTR || proto.kind != kind::FUNC_PROTO {
            return None;
        }
        // The first argument is the probe's own data.
        (1..proto.vlen)
            .map(|n| {
                let (id, found) =
                    self.bare(u32_at(self.data, proto.body + 8 * n + 4)?).or(Some((0, VOID)))?;
                let named = match found.kind {
                    kind::PTR => self.bare(found.refers).map_or(0, |(id, _)| id),
                    kind::ENUM | kind::ENUM64 => id,
                    _ => 0,
                };
                Some(self.name_of(named).unwrap_or(""))
            })
            .collect()
    }

    /// Names and values of an enumeration; empty where there is none. Values beyond 32 bits are left out.
    pub fn enumeration(&self, name: &str) -> Vec<(&'a str, u32)> {
        let (id, step) = match (self.named.get(&(kind::ENUM, name)), self.named.get(&(kind::ENUM64, name))) {
            (Some(id), _) => (*id, 8),
            (None, Some(id)) => (*id, 12),
            (None, None) => return Vec::new(),
        };
        let Some(found) = self.get(id) else { return Vec::new() };
        (0..found.vlen)
            .filter_map(|n| {
                let at = found.body + step * n;
                let high = if step == 12 { u32_at(self.data, at + 8)? } else { 0 };
                (high == 0).then_some((self.string(u32_at(self.data, at)?)?, u32_at(self.data, at + 4)?))
            })
            .collect()
    }
}

const VOID: Type = Type { kind: 0, kflag: false, vlen: 0, refers: 0, body: 0 };

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

#[cfg(test)]
pub(super) mod tests;
