//! The README promises commands; they exist, and the check of a change is the one it names.

use crate::text;

/// Words that follow `./dev ` in code spans and blocks of the README.
fn promised() -> Vec<String> {
    let readme = text("README.md");
    let after = readme.split("./dev ").skip(1);
    after
        .filter_map(|rest| rest.split(|character: char| !character.is_ascii_alphabetic()).next())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_of_the_readme_exists() {
    let script = text("dev");
    let promised = promised();
    assert!(promised.contains(&"run".to_owned()) && promised.contains(&"test".to_owned()));
    for word in promised {
        assert!(script.contains(&format!("\n  {word})")), "./dev {word} is promised and missing");
    }
}

#[test]
fn a_change_is_checked_by_the_command_that_the_readme_names() {
    assert!(text("README.md").contains("./dev test"));
    assert!(text(".ci/run").trim_end().ends_with("exec ./dev test"));
}

#[test]
fn the_readmes_pictures_are_there() {
    let readme = text("README.md");
    for target in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !target.contains("://") && !target.starts_with('#') {
            assert!(crate::root().join(target).exists(), "README.md links to {target}, which is missing");
        }
    }
}
