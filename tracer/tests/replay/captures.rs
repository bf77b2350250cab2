//! Real captures, where a folder of them is at hand. They are others' and stand in no repository; what is said of them is
//! ours, and stands in `expected`. `TRACER_CAPTURES=DIR cargo test --test replay -- --ignored`; `TRACER_CAPTURES_WRITE=1`
//! renews it.

use std::{env, fs, path::Path};

use super::said::{program, said};

#[test]
#[ignore = "wants real captures: TRACER_CAPTURES=DIR"]
fn what_is_said_of_real_captures() {
    let folder = env::var_os("TRACER_CAPTURES").expect("TRACER_CAPTURES names a folder of captures");
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/expected");
    let write = env::var_os("TRACER_CAPTURES_WRITE").is_some();
    let mut differ = Vec::new();
    let mut compared = 0;
    let list =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", Path::new(&folder).display()));
    for entry in list.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if !path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng") {
            continue;
        }
        let out = program().current_dir(&folder).args([&name, "--utc", "--color", "never"]).output();
        let said = said(&out.expect("the program starts"));
        assert_eq!((said.exit, said.err.as_str()), (0, ""), "{name}");
        let file = expected.join(format!("{name}.txt"));
        if write {
            fs::write(&file, &said.out).expect("a file of ours");
        }
        match fs::read_to_string(&file) {
            Ok(want) if want == said.out => compared += 1,
            Ok(_) => differ.push(format!("{name}:\n{}", said.out)),
            Err(_) => println!("SKIPPED {name}: nothing is expected of it"),
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(compared > 0, "no capture there is one of those in {}", expected.display());
}
