//! Messages for who debugs the programs.

pub(crate) use aya_log_ebpf::debug;
