//! A command line as a POSIX shell splits it into words, with bash's `$'…'`, which browsers write when they copy a
//! request as a curl command. Nothing is expanded: a `$` in double quotes stands for itself.

use std::iter::Peekable;
use std::str::Chars;

/// The words.
///
/// # Errors
/// The quote that is not closed.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                // A continued line.
                Some('\n') | None => {}
                Some('\r') if rest.peek() == Some(&'\n') => {
                    rest.next();
                }
                Some(next) => word.get_or_insert_default().push(next),
            },
            '\'' => single(&mut rest, word.get_or_insert_default())?,
            '"' => double(&mut rest, word.get_or_insert_default())?,
            '$' if rest.peek() == Some(&'\'') => {
                rest.next();
                ansi_c(&mut rest, word.get_or_insert_default())?;
            }
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single(rest: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), String> {
    loop {
        match rest.next() {
            Some('\'') => return Ok(()),
            Some(other) => word.push(other),
            None => return Err("a single quote `'` is not closed".into()),
        }
    }
}

fn double(rest: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), String> {
    loop {
        match rest.next() {
            Some('"') => return Ok(()),
            Some('\\') => match rest.next() {
                Some('\n') => {}
                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
                None => return Err("a double quote `\"` is not closed".into()),
            },
            Some(other) => word.push(other),
            None => return Err("a double quote `\"` is not closed".into()),
        }
    }
}

fn ansi_c(rest: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), String> {
    loop {
        match rest.next() {
            Some('\'') => return Ok(()),
            Some('\\') => match rest.next() {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some('u') => word.push(code(rest, 4)),
                Some('U') => word.push(code(rest, 8)),
                Some('x') => word.push(code(rest, 2)),
                Some(other) => word.push(other),
                None => return Err("`$'` is not closed".into()),
            },
            Some(other) => word.push(other),
            None => return Err("`$'` is not closed".into()),
        }
    }
}

/// Reads a character of at most `most` hexadecimal digits.
fn code(rest: &mut Peekable<Chars<'_>>, most: usize) -> char {
    let mut number = 0;
    for _ in 0..most {
        let Some(digit) = rest.peek().and_then(|character| character.to_digit(16)) else { break };
        number = number * 16 + digit;
        rest.next();
    }
    char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_escapes_and_lines_that_go_on_are_as_in_a_shell() {
        let line = "curl 'a b' \"c \\\"d\\\" \\n\" e\\ f \\\n  -H $'x: \\u0021\\'\\n' ''";
        let expected = ["curl", "a b", "c \"d\" \\n", "e f", "-H", "x: !'\n", ""];
        assert_eq!(words(line), Ok(expected.map(String::from).into()));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told() {
        assert_eq!(words("curl 'x"), Err("a single quote `'` is not closed".into()));
        assert_eq!(words("curl \"x"), Err("a double quote `\"` is not closed".into()));
        assert_eq!(words("curl $'x"), Err("`$'` is not closed".into()));
    }
}
