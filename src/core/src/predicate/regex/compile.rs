//! Compiles the syntax tree of a pattern to the states of a machine.

use super::class::Class;
use super::machine::{Look, State};
use alloc::string::String;
use alloc::vec::Vec;
use regex_syntax::ast::{
    Assertion, AssertionKind, Ast, Flag, Flags, Group, GroupKind, Literal, RepetitionKind, RepetitionRange,
};

/// The most states that a compiled regular expression may have. Matching takes at most that many steps for each byte
/// of a value. A pattern without counted repetitions has at most one state for each of its characters, and always
/// fits.
const MOST_STATES: usize = 1024;
const TOO_LARGE: &str = "too large once compiled";
pub(super) const UNICODE: &str = "Unicode not allowed here";

/// Compiles a pattern to states. Each state continues with the next one unless it specifies another, and a value
/// matches if the machine gets past the last one.
///
/// # Errors The pattern uses something that does not work on bytes or in Envoy, or it is too large.
pub(super) fn compile(ast: &Ast) -> Result<Vec<State>, String> {
    let mut compiler = Compiler::default();
    compiler.add(ast)?;
    Ok(compiler.states)
}

/// Flags, which apply from where they are set to the end of the group.
#[derive(Debug, Clone, Copy, Default)]
struct Settings {
    ignore_case: bool,
    multi_line: bool,
    dot_is_any: bool,
}

#[derive(Debug, Default)]
struct Compiler {
    states: Vec<State>,
    /// The number of states that are only jumps, which take no step of their own.
    jumps: usize,
    settings: Settings,
}

impl Compiler {
    fn add(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::Empty(_) => Ok(()),
            Ast::Flags(flags) => self.set(&flags.flags),
            Ast::Literal(literal) => self.add_literal(literal),
            Ast::Dot(_) => {
                let newline = (!self.settings.dot_is_any).then_some(b'\n');
                self.push(State::Class(Class::all_but(newline)))
            }
            Ast::Assertion(assertion) => self.push(State::Look(self.look(assertion))),
            Ast::ClassUnicode(_) => Err(UNICODE.into()),
            Ast::ClassPerl(perl) => self.push(State::Class(Class::perl(perl))),
            Ast::ClassBracketed(brackets) => {
                let class = Class::bracketed(brackets, self.settings.ignore_case)?;
                self.push(State::Class(class))
            }
            Ast::Repetition(repetition) => {
                let (least, most) = match repetition.op.kind {
                    RepetitionKind::ZeroOrOne => (0, Some(1)),
                    RepetitionKind::ZeroOrMore => (0, None),
                    RepetitionKind::OneOrMore => (1, None),
                    RepetitionKind::Range(RepetitionRange::Exactly(times)) => (times, Some(times)),
                    RepetitionKind::Range(RepetitionRange::AtLeast(least)) => (least, None),
                    RepetitionKind::Range(RepetitionRange::Bounded(least, most)) => (least, Some(most)),
                };
                self.add_repeated(&repetition.ast, least, most)
            }
            Ast::Group(group) => self.add_group(group),
            Ast::Alternation(alternation) => self.add_alternatives(&alternation.asts),
            Ast::Concat(concat) => concat.asts.iter().try_for_each(|part| self.add(part)),
        }
    }

    fn push(&mut self, state: State) -> Result<(), String> {
        if self.states.len() - self.jumps >= MOST_STATES {
            return Err(TOO_LARGE.into());
        }
        self.states.push(state);
        Ok(())
    }

    /// Returns the index of the next state. There are fewer than two states for each that [`MOST_STATES`] counts.
    fn here(&self) -> u16 {
        u16::try_from(self.states.len()).unwrap_or(u16::MAX)
    }

    /// Adds a fork whose second branch is not known yet.
    fn fork(&mut self) -> Result<usize, String> {
        self.push(State::Fork(0))?;
        Ok(self.states.len() - 1)
    }

    /// Sets the second branch of a fork to the next state.
    fn join(&mut self, fork: usize) {
        let here = self.here();
        if let Some(state) = self.states.get_mut(fork) {
            *state = State::Fork(here);
        }
    }

    fn set(&mut self, flags: &Flags) -> Result<(), String> {
        if [Flag::Unicode, Flag::CRLF].into_iter().any(|flag| flags.flag_state(flag) == Some(true)) {
            return Err("Envoy does not support the flags `u` and `R`".into());
        }
        for (flag, setting) in [
            (Flag::CaseInsensitive, &mut self.settings.ignore_case),
            (Flag::MultiLine, &mut self.settings.multi_line),
            (Flag::DotMatchesNewLine, &mut self.settings.dot_is_any),
        ] {
            *setting = flags.flag_state(flag).unwrap_or(*setting);
        }
        Ok(())
    }

    fn add_literal(&mut self, literal: &Literal) -> Result<(), String> {
        let mut buffer = [0; 4];
        let bytes = match literal.byte() {
            Some(byte) => &[byte],
            None => literal.c.encode_utf8(&mut buffer).as_bytes(),
        };
        bytes.iter().try_for_each(|&byte| {
            self.push(match self.settings.ignore_case && byte.is_ascii_alphabetic() {
                true => State::Class(Class::either_case(byte)),
                false => State::Byte(byte),
            })
        })
    }

    fn look(&self, assertion: &Assertion) -> Look {
        match assertion.kind {
            AssertionKind::StartLine if self.settings.multi_line => Look::LineStart,
            AssertionKind::EndLine if self.settings.multi_line => Look::LineEnd,
            AssertionKind::StartLine | AssertionKind::StartText => Look::Start,
            AssertionKind::EndLine | AssertionKind::EndText => Look::End,
            AssertionKind::WordBoundary => Look::Boundary,
            AssertionKind::NotWordBoundary => Look::NoBoundary,
            AssertionKind::WordBoundaryStart | AssertionKind::WordBoundaryStartAngle => Look::WordStart,
            AssertionKind::WordBoundaryEnd | AssertionKind::WordBoundaryEndAngle => Look::WordEnd,
            AssertionKind::WordBoundaryStartHalf => Look::NoWordBefore,
            AssertionKind::WordBoundaryEndHalf => Look::NoWordAfter,
        }
    }

    fn add_group(&mut self, group: &Group) -> Result<(), String> {
        let outside = self.settings;
        if let GroupKind::NonCapturing(flags) = &group.kind {
            self.set(flags)?;
        }
        self.add(&group.ast)?;
        self.settings = outside;
        Ok(())
    }

    fn add_alternatives(&mut self, alternatives: &[Ast]) -> Result<(), String> {
        let mut ends = Vec::new();
        for (place, alternative) in alternatives.iter().enumerate() {
            if place + 1 == alternatives.len() {
                self.add(alternative)?;
                break;
            }
            let fork = self.fork()?;
            self.add(alternative)?;
            ends.push(self.states.len());
            self.jump(0);
            self.join(fork);
        }
        let here = self.here();
        for end in ends {
            if let Some(state) = self.states.get_mut(end) {
                *state = State::Jump(here);
            }
        }
        Ok(())
    }

    fn jump(&mut self, to: u16) {
        self.states.push(State::Jump(to));
        self.jumps += 1;
    }

    fn add_repeated(&mut self, ast: &Ast, least: u32, most: Option<u32>) -> Result<(), String> {
        let (start, jumps) = (self.states.len(), self.jumps);
        if most == Some(0) {
            // Compile it anyway, to find mistakes in it.
            self.add(ast)?;
            self.states.truncate(start);
            self.jumps = jumps;
            return Ok(());
        }
        let mut last = self.here();
        for _ in 0..least {
            last = self.here();
            self.add(ast)?;
            // Repeating an empty pattern adds nothing, and nested counts would take forever.
            if self.states.len() == start {
                return Ok(());
            }
        }
        match most {
            None if least > 0 => self.push(State::Fork(last))?,
            None => {
                if let Some(fork) = self.add_optional(ast)? {
                    self.jump(last);
                    self.join(fork);
                }
            }
            Some(most) => {
                let mut forks = Vec::new();
                for _ in least..most {
                    let Some(fork) = self.add_optional(ast)? else { break };
                    forks.push(fork);
                }
                forks.into_iter().for_each(|fork| self.join(fork));
            }
        }
        Ok(())
    }

    /// Adds an optional part, and returns its fork, whose second branch is not set yet. `None` if the part is empty.
    fn add_optional(&mut self, ast: &Ast) -> Result<Option<usize>, String> {
        let fork = self.fork()?;
        self.add(ast)?;
        if self.states.len() == fork + 1 {
            self.states.pop();
            return Ok(None);
        }
        Ok(Some(fork))
    }
}
