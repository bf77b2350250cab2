//! What a control group path tells: the container and the pod that a process runs in.
//!
//! Knows how Docker, containerd, CRI-O and Podman name groups, with systemd's slices and without, in both versions of the
//! hierarchy. A path that none of them made tells nothing.

/// Where a process runs, as far as its path tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// Container id, 64 hexadecimal digits.
    pub container: Option<&'a str>,
    /// The part of the path that holds the pod's uid, as it stands there; [`uid`] writes it as Kubernetes does.
    pub pod: Option<&'a str>,
}

/// Of the lines of `/proc/PID/cgroup`, the path that tells most.
pub fn path(text: &str) -> Option<&str> {
    let lines = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    // Version 1 has a line for each controller, and some of them may be left at the root.
    let tells = |(controllers, path): &(&str, &str)| {
        (
            place(path).container.is_some(),
            *controllers == "name=systemd",
            controllers.is_empty(),
            *path != "/",
        )
    };
    lines.max_by_key(tells).map(|(_, path)| path)
}

/// Container and pod, the innermost where there are several.
pub fn place(path: &str) -> Place<'_> {
    let mut place = Place::default();
    // containerd joins slice, runtime and id by colons where it was told of systemd and the kubelet was not.
    for part in path.split(['/', ':']) {
        place.container = container(part).or(place.container);
        if path.contains("kubepods") {
            place.pod = pod(part).or(place.pod);
        }
    }
    place
}

/// `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`, `libpod-ID.scope`, `libpod-payload-ID`, or the id alone.
fn container(part: &str) -> Option<&str> {
    const LEN: usize = 64;
    let part = part.strip_suffix(".scope").unwrap_or(part);
    let (before, id) = part.split_at_checked(part.len().checked_sub(LEN)?)?;
    let hex = id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    // `crio-conmon-ID.scope` holds the watcher of a container, not the container.
    let inside = before.is_empty() || before.ends_with('-') && !before.contains("conmon");
    (hex && inside).then_some(id)
}

/// `pod8f0d...` or `kubepods-burstable-pod8f0d....slice`.
fn pod(part: &str) -> Option<&str> {
    let part = part.strip_suffix(".slice").unwrap_or(part);
    let uid = match part.rsplit_once("-pod") {
        Some((_, uid)) => uid,
        None => part.strip_prefix("pod")?,
    };
    let digits = uid.bytes().filter(u8::is_ascii_hexdigit).count();
    let joined = uid.bytes().all(|c| c.is_ascii_hexdigit() || matches!(c, b'-' | b'_'));
    // A static pod's uid is a hash without hyphens.
    (digits == 32 && joined && matches!(uid.len(), 32 | 36)).then_some(uid)
}

/// A pod's uid as Kubernetes writes it: systemd's names escape the hyphen.
pub fn uid(pod: &str) -> String {
    pod.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "3f4d9a0f6c1e8b7a5d2c4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3";
    const OTHER: &str = "00000000000000000000000000000000000000000000000000000000000000ff";
    const UID: &str = "8f0d1c8e-6d3b-4a52-9e71-2b0c4d5e6f70";

    #[test]
    fn paths_of_every_runtime() {
        let escaped = UID.replace('-', "_");
        for (path, container, pod) in [
            // Docker: systemd driver, cgroupfs driver, rootless.
            (format!("/system.slice/docker-{ID}.scope"), true, false),
            (format!("/docker/{ID}"), true, false),
            (
                format!("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope"),
                true,
                false,
            ),
            // containerd under Kubernetes: both drivers, every class of service.
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{escaped}.slice/cri-containerd-{ID}.scope"
                ),
                true,
                true,
            ),
            (format!("/kubepods.slice/kubepods-pod{escaped}.slice/cri-containerd-{ID}.scope"), true, true),
            (format!("/kubepods/besteffort/pod{UID}/{ID}"), true, true),
            (
                format!(
                    "/system.slice/containerd.service/kubepods-besteffort-pod{escaped}.slice:cri-containerd:{ID}"
                ),
                true,
                true,
            ),
            // kind: Kubernetes inside of a container.
            (
                format!(
                    "/docker/{OTHER}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{escaped}.slice/cri-containerd-{ID}.scope"
                ),
                true,
                true,
            ),
            // CRI-O, its watcher, and a group that the container made for itself.
            (
                format!(
                    "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{escaped}.slice/crio-{ID}.scope"
                ),
                true,
                true,
            ),
            (format!("/kubepods/burstable/pod{UID}/crio-{ID}"), true, true),
            (format!("/kubepods.slice/kubepods-pod{escaped}.slice/crio-conmon-{ID}.scope"), false, true),
            (
                format!(
                    "/kubepods.slice/kubepods-pod{escaped}.slice/crio-{ID}.scope/system.slice/nginx.service"
                ),
                true,
                true,
            ),
            // Podman: root, rootless, as a service, cgroupfs, its watcher.
            (format!("/machine.slice/libpod-{ID}.scope/container"), true, false),
            (
                format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"),
                true,
                false,
            ),
            (format!("/system.slice/web.service/libpod-payload-{ID}"), true, false),
            (format!("/libpod_parent/libpod-{ID}"), true, false),
            (format!("/machine.slice/libpod-conmon-{ID}.scope"), false, false),
            // Amazon ECS.
            (format!("/ecs/0123456789abcdef/{ID}"), true, false),
            // Seen from inside of another control group namespace.
            (format!("/../../docker-{ID}.scope"), true, false),
            // None.
            ("/system.slice/nginx.service".into(), false, false),
            ("/".into(), false, false),
            (String::new(), false, false),
            (format!("/docker/{}", &ID[1..]), false, false),
            (format!("/docker/x{ID}"), false, false),
            (format!("/docker/{}", ID.to_uppercase()), false, false),
            ("/kubepods/podium/pod".into(), false, false),
            // A pod is one of Kubernetes.
            (format!("/pod{UID}/x"), false, false),
        ] {
            let found = place(&path);
            assert_eq!(found.container, container.then_some(ID), "{path}");
            assert_eq!(found.pod.map(uid).as_deref(), pod.then_some(UID), "{path}");
        }
        let fixed = "/kubepods/burstable/pod0123456789abcdef0123456789abcdef/x";
        assert_eq!(place(fixed).pod, Some("0123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn the_line_that_tells_most() {
        assert_eq!(path("0::/system.slice/nginx.service\n"), Some("/system.slice/nginx.service"));
        let v1 = format!("12:pids:/docker/{ID}\n3:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n");
        assert_eq!(path(&v1), Some(&*format!("/docker/{ID}")));
        let hybrid = "5:devices:/user.slice\n1:name=systemd:/user.slice/user-0.slice\n0::/x\n";
        assert_eq!(path(hybrid), Some("/user.slice/user-0.slice"));
        assert_eq!(path("0::/a:b\n"), Some("/a:b"));
        for nothing in ["", "x", "1:2"] {
            assert_eq!(path(nothing), None);
        }
    }

    proptest! {
        #[test]
        fn any_path_is_read(text: String, before in "[a-z/:.-]{0,20}", after in "[a-z/:.-]{0,9}") {
            let _ = (place(&text), path(&text));
            let with = format!("{before}{ID}{after}");
            prop_assert!(place(&with).container.is_none_or(|id| id == ID));
        }
    }
}
