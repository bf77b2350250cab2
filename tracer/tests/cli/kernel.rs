//! A kernel that lacks what tracing takes: what is said of it, and what to type next.

use std::{env::consts::ARCH, process::Output, thread};

use nix::libc::{ENOSYS, SYS_bpf};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use crate::{UNABLE, assert_advice, is_root, program, said};

/// Runs the program as on a kernel that was built without eBPF. Only the thread that starts it loses the system call.
fn without_ebpf(args: &[&str]) -> Output {
    let errno = SeccompAction::Errno(ENOSYS.cast_unsigned());
    let rules = [(SYS_bpf, Vec::new())].into_iter().collect();
    let arch = ARCH.try_into().expect("seccomp knows it");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, errno, arch).expect("a filter");
    let filter: BpfProgram = filter.try_into().expect("a program");
    let run = || {
        apply_filter(&filter).expect("the kernel has seccomp");
        program().args(args).output().expect("the program starts")
    };
    thread::scope(|scope| scope.spawn(run).join().expect("it ends"))
}

#[test]
fn a_kernel_without_ebpf() {
    // Whoever may not ask is told that first, and a build without the eBPF part needs that first.
    let asks = is_root() && !cfg!(no_ebpf);
    for args in [&["-d", "100ms"][..], &["-d", "100ms", "--hooks", "legacy"]] {
        let refused = said(&without_ebpf(args));
        assert_advice(&refused, UNABLE);
        for words in ["runs no eBPF programs", "CONFIG_BPF_SYSCALL", "`tcpdump -w - tcp | tracer replay -`"] {
            assert!(!asks || refused.err.contains(words), "{args:?} does not say {words}: {}", refused.err);
        }
    }
    let looked = said(&without_ebpf(&["doctor"]));
    assert_eq!((looked.exit, looked.err.as_str()), (UNABLE, ""), "{}", looked.out);
    for words in ["no    this kernel runs no eBPF programs", "`tcpdump -w - tcp | tracer replay -`"] {
        assert!(!asks || looked.out.contains(words), "doctor does not say {words}: {}", looked.out);
    }
}
