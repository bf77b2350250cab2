//! The option kinds of a segment and how they are written, as p0f writes them.

use std::{fmt, str::FromStr};

use super::UnknownName;

/// The TCP option kinds of a segment in wire order, at most 40 of them (every kind takes a byte).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OptionKinds {
    kinds: [u8; 40],
    len: u8,
}

impl Default for OptionKinds {
    fn default() -> Self {
        Self { kinds: [0; 40], len: 0 }
    }
}

impl OptionKinds {
    /// Appends a kind; one that no longer fits is left out.
    pub fn push(&mut self, kind: u8) {
        if let Some(slot) = self.kinds.get_mut(usize::from(self.len)) {
            *slot = kind;
            self.len += 1;
        }
    }

    /// The kinds in wire order.
    pub fn as_slice(&self) -> &[u8] {
        &self.kinds[..usize::from(self.len)]
    }
}

impl fmt::Display for OptionKinds {
    /// p0f's notation: `mss,sok,ts,nop,ws`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, kind) in self.as_slice().iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match kind {
                0 => f.write_str("eol")?,
                1 => f.write_str("nop")?,
                2 => f.write_str("mss")?,
                3 => f.write_str("ws")?,
                4 => f.write_str("sok")?,
                5 => f.write_str("sack")?,
                8 => f.write_str("ts")?,
                other => write!(f, "?{other}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for OptionKinds {
    type Err = UnknownName;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let mut options = Self::default();
        // Nothing at all is no option, and not one without a name.
        for name in text.split(',').filter(|_| !text.is_empty()) {
            let kind = match name {
                "eol" => 0,
                "nop" => 1,
                "mss" => 2,
                "ws" => 3,
                "sok" => 4,
                "sack" => 5,
                "ts" => 8,
                other => {
                    let number = other.strip_prefix('?').filter(|n| n.bytes().all(|c| c.is_ascii_digit()));
                    number.and_then(|number| number.parse().ok()).ok_or(UnknownName)?
                }
            };
            if usize::from(options.len) == options.kinds.len() {
                return Err(UnknownName);
            }
            options.push(kind);
        }
        Ok(options)
    }
}

impl fmt::Debug for OptionKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OptionKinds({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_kinds_never_overflow() {
        let mut kinds = OptionKinds::default();
        for _ in 0..100 {
            kinds.push(1);
        }
        assert_eq!(kinds.as_slice().len(), 40);
        assert!(kinds.to_string().starts_with("nop,nop"));
    }

    #[test]
    fn option_kinds_read_back() {
        for kind in 0..=u8::MAX {
            let mut kinds = OptionKinds::default();
            for kind in [kind, 8, kind] {
                kinds.push(kind);
            }
            assert_eq!(kinds.to_string().parse(), Ok(kinds));
        }
        assert_eq!("".parse(), Ok(OptionKinds::default()));
        let long = ["nop"; 41].join(",");
        for bad in ["MSS", "mss,", ",", "?", "?256", "?+1", "?-1", "mss, ts", &long] {
            assert_eq!(bad.parse::<OptionKinds>(), Err(UnknownName), "{bad}");
        }
    }
}
