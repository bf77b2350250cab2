//! What the running kernel's BTF says about the things `tracer` needs: fields, prototypes, names of numbers.
//!
//! Pure: resolves, decides nothing.

use std::collections::BTreeMap;

use tracer_common::offsets::{ABSENT, FIELDS};

use super::{
    btf::{Btf, Prototype},
    calibration::symbols::Symbols,
    hooks::{HOOKS, Hook, REMEMBER, Set},
};

/// The kernel's types, as far as they matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// Hooked functions that the kernel has.
    pub functions: BTreeMap<&'static str, Prototype>,
    /// Hooked tracepoints that the kernel has.
    pub tracepoints: Vec<&'static str>,
    /// `skb:kfree_skb` hands over a reason (5.17, and stable 5.15).
    pub kfree_reason: bool,
    /// `skb:kfree_skb` hands over the receiving socket (6.11).
    pub kfree_rx_sk: bool,
    /// `tcp:tcp_send_reset` tells of every RST; before 6.10, when it had two arguments, only of those from full sockets.
    pub every_reset_traced: bool,
    /// One offset for each of [`FIELDS`].
    pub offsets: Vec<u32>,
    /// Required fields that are not there, in words.
    pub lacking: Vec<String>,
    /// `enum skb_drop_reason` without its prefix; empty where the kernel has none.
    pub reasons: Vec<(String, u32)>,
    /// `enum tcp_tw_status`.
    pub timewait_verdicts: Vec<(String, u32)>,
}

/// `enum tcp_tw_status`, in its order; the last one since 6.15.
const VERDICTS: [&str; 5] = ["SUCCESS", "RST", "ACK", "SYN", "ACK_OOW"];

/// Arguments of functions of which the number matters: what the kernel calls the one, and whether it has what the other asks for.
fn args(function: &str, recycles: bool) -> Option<u32> {
    match function {
        "kfree_skb" => Some(1),
        "kfree_skb_reason" => Some(2),
        "sk_skb_reason_drop" => Some(3),
        "tcp_peer_is_proven" => Some(if recycles { 4 } else { 2 }),
        _ => None,
    }
}

impl Types {
    /// Looks everything up.
    pub fn resolve(btf: &Btf<'_>) -> Self {
        let mut types = Self::default();
        for hook in &HOOKS {
            if !hook.on_tracepoint() {
                let found = |name: &&'static str| btf.function(name).map(|prototype| (*name, prototype));
                types.functions.extend(hook.functions().iter().filter_map(found));
            } else if btf.tracepoint(hook.name).is_some() {
                types.tracepoints.push(hook.name);
            }
        }
        let kfree = btf.tracepoint("kfree_skb").unwrap_or_default();
        types.kfree_reason = kfree.get(2) == Some(&"skb_drop_reason");
        types.kfree_rx_sk = kfree.get(3) == Some(&"sock");
        types.every_reset_traced = btf.tracepoint("tcp_send_reset").is_some_and(|args| args.len() >= 3);
        for field in &FIELDS {
            let offset = btf.offset(field.strukt, field.path);
            if let (Err(why), true) = (&offset, field.required) {
                types.lacking.push(why.to_string());
            }
            types.offsets.push(offset.unwrap_or(ABSENT));
        }
        let prefix = |text: &str, prefix: &str| text.strip_prefix(prefix).unwrap_or(text).to_owned();
        for (name, value) in btf.enumeration("skb_drop_reason") {
            // The kernel's own bookkeeping, no reasons.
            if !matches!(name, "SKB_DROP_REASON_MAX" | "SKB_DROP_REASON_SUBSYS_MASK") {
                types
                    .reasons
                    .push((prefix(name, "SKB_DROP_REASON_").trim_start_matches("SKB_").to_owned(), value));
            }
        }
        for (name, value) in btf.enumeration("tcp_tw_status") {
            types.timewait_verdicts.push((prefix(name, "TCP_TW_"), value));
        }
        types
    }

    /// The same without the kernel's types: from offsets that were found by trying, and the names that it shows elsewhere. For the
    /// hook set `legacy`, whose functions have the arguments that matter in the same places everywhere.
    pub fn calibrated(offsets: Vec<u32>, symbols: Symbols) -> Self {
        let mut types = Self { offsets, reasons: symbols.reasons, ..Self::default() };
        for hook in HOOKS.iter().filter(|hook| hook.names(Set::Legacy).next().is_some()) {
            // The newest name: what is left of an older one is a copy that was not inlined.
            let newest = hook.functions().iter().rfind(|name| symbols.functions.contains(*name));
            if let Some(name) = newest {
                // Whether it returns anything only the types tell.
                let args = args(name, symbols.recycles).unwrap_or(*hook.args.start());
                types.functions.insert(name, Prototype { args, returns: false });
            }
        }
        types.kfree_reason = !types.reasons.is_empty();
        let required =
            FIELDS.iter().zip(&types.offsets).filter(|(field, at)| field.required && **at == ABSENT);
        types.lacking = required.map(|(field, _)| format!("{field}: not found by calibration")).collect();
        types.timewait_verdicts = VERDICTS.iter().zip(0..).map(|(name, n)| ((*name).to_owned(), n)).collect();
        types
    }

    /// Number of a reason.
    pub fn reason(&self, name: &str) -> Option<u32> {
        self.reasons.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    }

    /// What a hooked function is called here, and how it looks; `None` where it is not there.
    pub fn function(&self, hook: &'static Hook) -> Option<(&'static str, &Prototype)> {
        hook.functions().iter().find_map(|name| self.functions.get(name).map(|prototype| (*name, prototype)))
    }

    /// What a hook is called here.
    pub fn target(&self, hook: &'static Hook) -> &'static str {
        self.function(hook).map_or(hook.name, |(name, _)| name)
    }

    /// Whether this kernel has `tcp_tw_recycle` (before 4.12).
    pub fn recycles(&self) -> bool {
        // Either says so: one that was inlined is not there.
        self.args("tcp_peer_is_proven") == 4 || REMEMBER.iter().any(|name| self.functions.contains_key(name))
    }

    /// Number of arguments of a hooked function; 0 where it is not there.
    pub fn args(&self, function: &str) -> u32 {
        self.functions.get(function).map_or(0, |prototype| prototype.args)
    }
}

#[cfg(test)]
mod tests;
