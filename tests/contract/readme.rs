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

/// Lines of code of the README that run `edgewise-cli`, as words after it.
fn command_lines() -> Vec<Vec<String>> {
    let readme = text("README.md");
    let words = |rest: &str| -> Vec<String> {
        let line = rest.lines().next().unwrap_or_default();
        let command = line.split(['#', '`', '|']).next().unwrap_or_default();
        command.split_whitespace().map(str::to_owned).collect()
    };
    readme.split("edgewise-cli ").skip(1).map(words).filter(|words| !words.is_empty()).collect()
}

#[test]
fn every_command_line_of_the_readme_is_understood() {
    let arguments = text("src-tauri/crates/cli/src/arguments.rs");
    let commands = arguments.split("pub enum Command {").nth(1).and_then(|rest| rest.split("\n}").next());
    let commands = commands.expect("the commands are an enum");
    let lines = command_lines();
    assert!(lines.len() > 8, "the README shows the command line: {lines:?}");
    for line in &lines {
        let name = line[0].trim_matches(|character: char| !character.is_ascii_alphabetic());
        let mut variant = name.to_owned();
        variant[..1].make_ascii_uppercase();
        assert!(commands.contains(&format!("    {variant}(")), "edgewise-cli {name} is promised and missing");
        for flag in line.iter().filter(|word| word.starts_with("--")) {
            let field = flag.trim_start_matches("--").replace('-', "_");
            assert!(
                arguments.contains(&format!("pub {field}: ")) || arguments.contains(&format!("{field}: ")),
                "edgewise-cli {name} {flag} is promised and missing"
            );
        }
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
