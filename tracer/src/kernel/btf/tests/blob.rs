//! Writes BTF (Documentation/bpf/btf.rst), true or not.

/// Types and strings, in order; the first type has number 1.
pub(in crate::kernel) struct Blob {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Default for Blob {
    fn default() -> Self {
        // The empty name stands first.
        Self { types: Vec::new(), strings: vec![0], count: 0 }
    }
}

/// A member of a structure.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Member<'a> {
    name: &'a str,
    id: u32,
    bit: u32,
    /// Size of a bit field; 0: none.
    size: u32,
}

impl<'a> Member<'a> {
    pub(in crate::kernel) fn at(name: &'a str, id: u32, bit: u32) -> Self {
        Self { name, id, bit, size: 0 }
    }

    pub(in crate::kernel) fn bits(name: &'a str, id: u32, bit: u32, size: u32) -> Self {
        Self { name, id, bit, size }
    }
}

impl Blob {
    /// Number of the next type.
    pub(in crate::kernel) fn next(&self) -> u32 {
        self.count + 1
    }

    fn string(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        at
    }

    fn word(&mut self, word: u32) {
        self.types.extend_from_slice(&word.to_le_bytes());
    }

    fn head(&mut self, name: &str, kind: u32, len: usize, refers: u32, flag: bool) -> u32 {
        let name = self.string(name);
        self.word(name);
        self.word(u32::from(flag) << 31 | kind << 24 | u32::try_from(len).unwrap());
        self.word(refers);
        self.count += 1;
        self.count
    }

    fn members(&mut self, kind: u32, name: &str, size: u32, members: &[Member<'_>]) -> u32 {
        let flag = members.iter().any(|member| member.size > 0);
        let id = self.head(name, kind, members.len(), size, flag);
        for member in members {
            let name = self.string(member.name);
            self.word(name);
            self.word(member.id);
            self.word(member.size << 24 | member.bit);
        }
        id
    }

    pub(in crate::kernel) fn int(&mut self, name: &str, size: u32) -> u32 {
        let id = self.head(name, 1, 0, size, false);
        self.word(size * 8);
        id
    }

    pub(in crate::kernel) fn pointer(&mut self, to: u32) -> u32 {
        self.head("", 2, 0, to, false)
    }

    pub(in crate::kernel) fn array(&mut self, of: u32, len: u32) -> u32 {
        let id = self.head("", 3, 0, 0, false);
        for word in [of, of, len] {
            self.word(word);
        }
        id
    }

    pub(in crate::kernel) fn structure(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> u32 {
        self.members(4, name, size, members)
    }

    pub(in crate::kernel) fn union(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> u32 {
        self.members(5, name, size, members)
    }

    pub(in crate::kernel) fn enumeration(&mut self, name: &str, values: &[(&str, u32)]) -> u32 {
        let id = self.head(name, 6, values.len(), 4, false);
        for (name, value) in values {
            let name = self.string(name);
            self.word(name);
            self.word(*value);
        }
        id
    }

    pub(in crate::kernel) fn enumeration64(&mut self, name: &str, values: &[(&str, u64)]) -> u32 {
        let id = self.head(name, 19, values.len(), 8, false);
        for (name, value) in values {
            let name = self.string(name);
            self.word(name);
            self.types.extend_from_slice(&value.to_le_bytes());
        }
        id
    }

    pub(in crate::kernel) fn forward(&mut self, name: &str) -> u32 {
        self.head(name, 7, 0, 0, false)
    }

    pub(in crate::kernel) fn typedef(&mut self, name: &str, to: u32) -> u32 {
        self.head(name, 8, 0, to, false)
    }

    /// 9 volatile, 10 const, 11 restrict.
    pub(in crate::kernel) fn qualifier(&mut self, kind: u32, to: u32) -> u32 {
        self.head("", kind, 0, to, false)
    }

    pub(in crate::kernel) fn function(&mut self, name: &str, prototype: u32) -> u32 {
        self.head(name, 12, 1, prototype, false)
    }

    pub(in crate::kernel) fn prototype(&mut self, returns: u32, arguments: &[u32]) -> u32 {
        let id = self.head("", 13, arguments.len(), returns, false);
        for argument in arguments {
            self.word(0);
            self.word(*argument);
        }
        id
    }

    pub(in crate::kernel) fn variable(&mut self, name: &str, of: u32) -> u32 {
        let id = self.head(name, 14, 0, of, false);
        self.word(1);
        id
    }

    pub(in crate::kernel) fn section(&mut self, name: &str, variables: &[u32]) -> u32 {
        let id = self.head(name, 15, variables.len(), 0, false);
        for variable in variables {
            for word in [*variable, 0, 4] {
                self.word(word);
            }
        }
        id
    }

    pub(in crate::kernel) fn float(&mut self, name: &str, size: u32) -> u32 {
        self.head(name, 16, 0, size, false)
    }

    pub(in crate::kernel) fn decl_tag(&mut self, name: &str, on: u32) -> u32 {
        let id = self.head(name, 17, 0, on, false);
        self.word(u32::MAX);
        id
    }

    pub(in crate::kernel) fn type_tag(&mut self, name: &str, on: u32) -> u32 {
        self.head(name, 18, 0, on, false)
    }

    /// A header, then the types, then the strings.
    pub(in crate::kernel) fn bytes(&self) -> Vec<u8> {
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, len(&self.types), len(&self.types), len(&self.strings)] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&self.types);
        bytes.extend_from_slice(&self.strings);
        bytes
    }
}
