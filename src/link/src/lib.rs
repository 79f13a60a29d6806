//! The last build steps: sets which functions the module exports and imports, and appends the module to the command.
//!
//! For every request, the host calls each proxy-wasm function that a module exports. The SDK exports all of them, and
//! they cannot be replaced at link time: two functions with one name are an error. So the filter exports
//! `brownout_on_…`, and [`finish`] renames those to what the host expects, removes the exports that the host need not
//! call, and then removes unreachable code.

use walrus::{ExportItem, ImportKind, Module, ModuleConfig, ValType, passes};

/// The module's exports: its memory, and functions of proxy-wasm 0.2.1. Each stream callback costs every exchange a
/// call; the end of a stream needs only `proxy_on_delete`, which immediately follows `proxy_on_log` and
/// `proxy_on_done`.
pub const OFFERED: [&str; 15] = [
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// The host functions that the filter declares, in the one file that may. The SDK names more, and a reader of the module
/// would wonder what it calls out to.
pub fn called() -> impl Iterator<Item = &'static str> {
    let host = include_str!("../../filter/src/host.rs").lines();
    let declared = host.filter_map(|line| line.trim_start().strip_prefix("fn "));
    declared.filter(|rest| rest.starts_with("proxy_")).map(|rest| rest.split('(').next().unwrap_or(rest))
}

/// The name of the host's import module, and proxy-wasm's status for an unimplemented call.
const HOST: &str = "env";
const UNIMPLEMENTED: i32 = 12;

/// The prefix of the filter's own functions, and the prefix that the host expects.
const OURS: (&str, &str) = ("brownout_on_", "proxy_on_");

/// Returns the module with exactly these exports. The output is deterministic.
///
/// # Errors
/// If `linked` is not a module, or lacks an expected function.
pub fn finish(linked: &[u8], offered: &[&str]) -> Result<Vec<u8>, String> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse(linked).map_err(|error| format!("this is not a module: {error}"))?;
    put_ours_in_place(&mut module)?;
    keep(&mut module, offered)?;
    answer_what_is_not_called(&mut module)?;
    passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

/// Replaces the SDK's exports with our functions of the same name.
fn put_ours_in_place(module: &mut Module) -> Result<(), String> {
    let ours: Vec<_> = module
        .exports
        .iter()
        .filter_map(|export| Some((export.id(), export.item, export.name.strip_prefix(OURS.0)?.to_owned())))
        .collect();
    for (id, item, event) in ours {
        let name = format!("{}{event}", OURS.1);
        let theirs = module.exports.iter().find(|export| export.name == name);
        let Some((theirs, old)) = theirs.map(|export| (export.id(), export.item)) else {
            return Err(format!("`{}{event}` replaces no function that the host calls", OURS.0));
        };
        if signature(module, item) != signature(module, old) {
            return Err(format!("`{}{event}` has a different signature from `{name}`", OURS.0));
        }
        module.exports.delete(theirs);
        module.exports.get_mut(id).name = name;
    }
    Ok(())
}

/// Returns the parameter and result types of a function.
fn signature(module: &Module, item: ExportItem) -> Option<(&[walrus::ValType], &[walrus::ValType])> {
    let ExportItem::Function(function) = item else { return None };
    let of_type = module.types.get(module.funcs.get(function).ty());
    Some((of_type.params(), of_type.results()))
}

/// Removes all exports but these.
fn keep(module: &mut Module, offered: &[&str]) -> Result<(), String> {
    for name in offered {
        if module.exports.iter().all(|export| export.name != *name) {
            return Err(format!("the module does not export `{name}`"));
        }
    }
    let rest = module.exports.iter().filter(|export| !offered.contains(&export.name.as_str()));
    for id in rest.map(|export| export.id()).collect::<Vec<_>>() {
        module.exports.delete(id);
    }
    Ok(())
}

/// Replaces each import that only the SDK uses with a function that returns "unimplemented".
fn answer_what_is_not_called(module: &mut Module) -> Result<(), String> {
    let unused: Vec<_> = module
        .imports
        .iter()
        .filter(|import| import.module == HOST && called().all(|name| name != import.name))
        .map(|import| (import.name.clone(), import.kind.clone()))
        .collect();
    for (name, kind) in unused {
        let ImportKind::Function(function) = kind else { return Err(format!("`{name}` is not a function")) };
        if signature(module, ExportItem::Function(function)).is_none_or(|(_, gives)| gives != [ValType::I32])
        {
            return Err(format!("`{name}` does not return a status"));
        }
        module
            .replace_imported_func(function, |(body, _)| {
                body.i32_const(UNIMPLEMENTED);
            })
            .map_err(|error| format!("`{name}` cannot be replaced: {error}"))?;
    }
    Ok(())
}

/// The last eight bytes of a command with a module in it. Before them are the module's length, as eight bytes, little
/// endian, and the module. `src/cli/src/module.rs` reads this.
const MARK: &[u8; 8] = b"BROWNOUT";

/// Appends a module to an executable, which runs as before and finds the module at the end of its own file.
///
/// # Errors
/// If the executable already contains a module.
pub fn embed(mut command: Vec<u8>, module: &[u8]) -> Result<Vec<u8>, String> {
    if command.ends_with(MARK) {
        return Err("this command already contains a module: pass the one that cargo built".into());
    }
    command.extend_from_slice(module);
    command.extend_from_slice(&(module.len() as u64).to_le_bytes());
    command.extend_from_slice(MARK);
    Ok(command)
}

#[cfg(test)]
mod tests;
