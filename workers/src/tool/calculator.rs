//! The built-in tool `calculator`: exact arithmetic and units, with `fend-core`.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;

use super::limits::{CALCULATOR_BYTES, CALCULATOR_NESTING, CALCULATOR_RESULT_BYTES, CALCULATOR_TIME_MS};
use super::{Error, Function, Tool};

/// The expression to compute.
#[derive(Deserialize, JsonSchema)]
struct Calculation {
    /// For example `2 * (3 + 4)^2`, `sqrt(2)`, `20% of 85`, `5 miles to km`, `10 mod 3`. No commas, no variables.
    #[schemars(length(min = 1, max = 500))]
    expression: String,
}

/// The tool `calculator`.
pub fn calculator() -> impl Tool + 'static {
    let description = "Computes an expression exactly: + - * / ^ ! mod, brackets, functions such as sqrt, sin, ln, log10, \
                       abs, floor, round, constants such as pi and e, and conversion of units.";
    Function::blocking("calculator", description, |Calculation { expression }: Calculation| {
        compute(&expression)
    })
    .safe_to_repeat()
}

/// Ends a computation that takes too long.
struct Deadline(Instant);

impl fend_core::Interrupt for Deadline {
    fn should_interrupt(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// Computes an expression. It needs a large stack (see [`super::limits::BLOCKING_STACK_BYTES`]).
fn compute(expression: &str) -> Result<String, Error> {
    guard(expression)?;
    let mut context = fend_core::Context::new();
    let deadline = Deadline(Instant::now() + Duration::from_millis(CALCULATOR_TIME_MS));
    match fend_core::evaluate_with_interrupt(expression, &mut context, &deadline) {
        Ok(result) if result.output_is_empty() => Err(Error::failed("the expression is empty")),
        Ok(result) if result.get_main_result().contains('\\') => {
            Err(Error::failed("the result is a function, not a number: give it an argument"))
        }
        Ok(result) => Ok(super::truncate(result.get_main_result().to_owned(), CALCULATOR_RESULT_BYTES).0),
        Err(error) if error == "interrupted" => {
            Err(Error::failed(format_args!("the numbers are too large: more than {CALCULATOR_TIME_MS} ms")))
        }
        Err(error) => Err(Error::failed(super::truncate(error, CALCULATOR_RESULT_BYTES).0)),
    }
}

/// Refuses what the crate does not bound by itself: it parses recursively, in time that doubles with each level of
/// brackets, and a shift takes memory at once. Functions, texts and assignments of its own language are left out too.
fn guard(expression: &str) -> Result<(), Error> {
    if expression.len() > CALCULATOR_BYTES {
        return Err(Error::failed(format_args!("the expression is longer than {CALCULATOR_BYTES} bytes")));
    }
    let mut depth = 0_usize;
    for character in expression.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' => {
                let why = "commas are not understood: write 1000 for 1,000, and min, max and other functions of \
                           several arguments do not exist";
                return Err(Error::failed(why));
            }
            '+' | '-' | '*' | '/' | '^' | '%' | '!' | '.' | '_' | '°' | '×' | '÷' | 'π' | '√' => {}
            _ if character.is_ascii_alphanumeric() || matches!(character, ' ' | '\t' | '\n') => {}
            _ => return Err(Error::failed(format_args!("{character:?} is not understood"))),
        }
        if depth > CALCULATOR_NESTING {
            return Err(Error::failed(format_args!("more than {CALCULATOR_NESTING} brackets in each other")));
        }
    }
    if expression.split(|character: char| !character.is_ascii_alphanumeric()).any(has_dice) {
        return Err(Error::failed("dice such as d6 are not supported: their results are not exact"));
    }
    Ok(())
}

/// Whether a word has dice in it (`d6`, `2d6`). The crate adds up their distribution and ignores the deadline meanwhile.
fn has_dice(word: &str) -> bool {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = word.as_bytes();
    let is_hexadecimal = word.starts_with("0x");
    !is_hexadecimal
        && bytes.iter().enumerate().any(|(at, byte)| {
            let begins = at == 0 || is_digit(bytes.get(at - 1));
            *byte == b'd' && begins && is_digit(bytes.get(at + 1))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// On a stack as large as the tool's.
    fn on_thread(expression: String) -> Result<String, Error> {
        let thread = std::thread::Builder::new().stack_size(super::super::limits::BLOCKING_STACK_BYTES);
        thread.spawn(move || compute(&expression)).unwrap().join().unwrap()
    }

    #[test]
    fn computes_exactly() {
        for (expression, expected) in [
            ("0.1 + 0.2", "0.3"),
            ("-2^2", "-4"),
            ("2^3^2", "512"),
            ("2 * (3 + 4)^2", "98"),
            ("20% of 85", "17"),
            ("10 mod 3", "1"),
            ("sqrt(16)", "4"),
            ("123456789 * 987654321", "121932631112635269"),
            ("5 miles to km", "8.04672 km"),
            ("1/3", "approx. 0.3333333333"),
            ("2^100", "1267650600228229401496703205376"),
        ] {
            assert_eq!(on_thread(expression.into()).as_deref(), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_computed_is_an_error() {
        for (expression, text) in [
            ("1/0", "division by zero"),
            ("x + 1", "x"),
            ("max(3,4)", "commas"),
            ("1,000 * 3", "commas"),
            ("1 << 10^15", "'<'"),
            ("x = 5", "'='"),
            ("\\x. x x", "'\\\\'"),
            ("sqrt sqrt", "function"),
            ("9^9^9^9", "too large"),
            ("100000!", "too large"),
            ("d6", "dice"),
            ("3 + 2d6^9", "dice"),
            ("1e9d6", "dice"),
            ("", "empty"),
            ("(", ""),
        ] {
            let error = on_thread(expression.into()).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains(text)), "{expression}: {error:?}");
        }
    }

    #[test]
    fn long_and_deep_expressions_end() {
        let nested =
            |open: &str, close: &str, count: usize| format!("{}1{}", open.repeat(count), close.repeat(count));
        for part in ["(", "-", "2^", "1/", "1+", "!", "sin ", " to km", "1 ft ", "sin^2 ", "-(", "sqrt "] {
            let _ = on_thread(part.repeat(CALCULATOR_BYTES / part.len()));
        }
        for (open, close) in [("(1+", ")"), ("2 (1 (", "))"), ("(1-2*(1/3+5^", "))"), ("sin(cos(", "))")] {
            let count = CALCULATOR_NESTING / close.len();
            let _ = on_thread(nested(open, close, count));
            assert!(on_thread(nested(open, close, count + 1)).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_ends_without_a_panic(text in "\\PC{0,80}") {
            let _ = on_thread(text);
        }

        #[test]
        fn any_tokens_end_without_a_panic(
            tokens in prop::collection::vec(prop::sample::select(vec![
                "1", "23", ".5", "(", ")", "(", ")", "+", "-", "*", "/", "^", "!", "%", " ", "sqrt", "sin ", "pi", " to ", "km",
                " of ", " mod ", " per ", "e", "1e9", "0x", "hex", "_", "choose", "kg", "°C", " as ", "d6", "i", "today",
            ]), 0..60)
        ) {
            let began = Instant::now();
            let _ = on_thread(tokens.concat());
            prop_assert!(began.elapsed() < Duration::from_secs(20));
        }
    }
}
