use super::*;
use walrus::{FunctionBuilder, FunctionId, ValType};

/// Adds a function with one parameter that returns a number.
fn function(module: &mut Module, parameter: ValType, gives: i32) -> FunctionId {
    let mut function = FunctionBuilder::new(&mut module.types, &[parameter], &[ValType::I32]);
    function.func_body().i32_const(gives);
    let parameter = module.locals.add(parameter);
    function.finish(vec![parameter], &mut module.funcs)
}

/// Builds a module with these exports, which return 0, 1, 2 and so on.
fn linked(exports: &[(&str, ValType)]) -> Vec<u8> {
    let mut module = Module::default();
    for ((name, parameter), gives) in exports.iter().zip(0..) {
        let function = function(&mut module, *parameter, gives);
        module.exports.add(name, function);
    }
    module.emit_wasm()
}

/// Returns a module's exports, each with its instructions as text, and the number of its functions.
fn found(bytes: &[u8]) -> (Vec<(String, String)>, usize) {
    let module = Module::from_buffer(bytes).expect("a module");
    let mut exports = Vec::new();
    for export in module.exports.iter() {
        let ExportItem::Function(function) = export.item else { panic!("{export:?}") };
        let local = module.funcs.get(function).kind.unwrap_local();
        let body =
            local.block(local.entry_block()).instrs.iter().map(|(instruction, _)| format!("{instruction:?}"));
        exports.push((export.name.clone(), body.collect()));
    }
    exports.sort();
    (exports, module.funcs.iter().count())
}

fn gives(number: i32) -> String {
    format!("Const(Const {{ value: I32({number}) }})")
}

const TICK: (&str, ValType) = ("proxy_on_tick", ValType::I32);
const OUR_TICK: (&str, ValType) = ("brownout_on_tick", ValType::I32);
const LOG: (&str, ValType) = ("proxy_on_log", ValType::I32);

#[test]
fn our_function_takes_the_place_of_the_sdks_and_what_nobody_calls_is_gone() {
    let finished = finish(&linked(&[TICK, LOG, OUR_TICK]), &["proxy_on_tick"]).expect("it can be done");
    assert_eq!(found(&finished), (vec![("proxy_on_tick".to_owned(), gives(2))], 1));
}

#[test]
fn a_function_of_the_sdk_stays_where_we_have_none() {
    let offered = ["proxy_on_tick", "proxy_on_log"];
    let finished = finish(&linked(&[TICK, LOG, OUR_TICK]), &offered).expect("it can be done");
    let expected = vec![("proxy_on_log".to_owned(), gives(1)), ("proxy_on_tick".to_owned(), gives(2))];
    assert_eq!(found(&finished), (expected, 2));
}

#[test]
fn what_only_the_sdk_names_is_answered_here_and_what_we_call_stays_with_the_host() {
    let mut module = Module::default();
    let of_type = module.types.add(&[ValType::I32], &[ValType::I32]);
    for (name, host) in [("a", "proxy_http_call"), ("b", "proxy_log")] {
        let (function, _) = module.add_import_func("env", host, of_type);
        module.exports.add(name, function);
    }
    let finished = finish(&module.emit_wasm(), &["a", "b"]).expect("it can be done");
    let module = Module::from_buffer(&finished).expect("a module");
    let imports: Vec<_> = module.imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(imports, ["proxy_log"]);
    let answer = module.exports.iter().find(|export| export.name == "a").map(|export| export.item);
    let Some(ExportItem::Function(answer)) = answer else { panic!("{answer:?}") };
    let local = module.funcs.get(answer).kind.unwrap_local();
    let body =
        local.block(local.entry_block()).instrs.iter().map(|(instruction, _)| format!("{instruction:?}"));
    assert_eq!(body.collect::<String>(), gives(UNIMPLEMENTED));
}

#[test]
fn a_call_of_another_shape_is_refused() {
    let mut module = Module::default();
    let of_type = module.types.add(&[], &[]);
    let (function, _) = module.add_import_func("env", "proxy_unknown", of_type);
    module.exports.add("a", function);
    let refused = finish(&module.emit_wasm(), &["a"]).map(|_| ());
    assert_eq!(refused, Err("`proxy_unknown` does not return a status".to_owned()));
}

#[test]
fn the_same_bytes_give_the_same_bytes() {
    let linked = linked(&[TICK, LOG, OUR_TICK]);
    let offered = ["proxy_on_tick", "proxy_on_log"];
    assert_eq!(finish(&linked, &offered), finish(&linked, &offered));
}

#[test]
fn what_does_not_fit_is_refused() {
    for (exports, offered, message) in [
        (
            vec![TICK, ("brownout_on_tock", ValType::I32)],
            ["proxy_on_tick"],
            "`brownout_on_tock` replaces no function that the host calls",
        ),
        (
            vec![TICK, ("brownout_on_tick", ValType::I64)],
            ["proxy_on_tick"],
            "`brownout_on_tick` has a different signature from `proxy_on_tick`",
        ),
        (vec![TICK], ["proxy_on_log"], "the module does not export `proxy_on_log`"),
    ] {
        assert_eq!(finish(&linked(&exports), &offered).map(|_| ()), Err(message.to_owned()));
    }
    let message = finish(b"not a module", &[]).map(|_| ()).expect_err("no module");
    assert!(message.starts_with("this is not a module: "), "{message}");
}

#[test]
fn a_module_is_appended_once_with_its_length_and_a_mark() {
    let whole = embed(b"\x7fELF".to_vec(), b"\0asm").expect("it can be done");
    assert_eq!(whole, b"\x7fELF\0asm\x04\0\0\0\0\0\0\0BROWNOUT");
    let message = embed(whole, b"\0asm").expect_err("it has one");
    assert!(message.starts_with("this command already contains a module"), "{message}");
}
