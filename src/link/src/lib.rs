//! The last steps of building: which functions the module offers to its host and calls there, and the module inside the
//! command.
//!
//! The host calls each function of proxy-wasm that a module exports, for every request, and none that it does not.
//! The SDK exports them all, and its own cannot be replaced while linking: two functions of one name are an error.
//! So the filter exports `brownout_on_…`, and [`finish`] gives those the names under which the host looks for them, takes
//! away what the host need not call, and everything that is then out of reach.

use walrus::{ExportItem, ImportKind, Module, ModuleConfig, ValType, passes};

/// What the module offers: its memory, and functions of proxy-wasm 0.2.1. Each function of a stream costs every
/// exchange a call; a stream's end is told by `proxy_on_delete` alone, which follows `proxy_on_log` and
/// `proxy_on_done` at once.
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

/// What the filter calls, by `src/filter/src/host.rs`. The SDK names more, which would make its readers wonder what the
/// module may call out to.
pub const CALLED: [&str; 21] = [
    "proxy_add_header_map_value",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// The host's module of proxy-wasm, and its answer to a call that it does not know.
const HOST: &str = "env";
const UNIMPLEMENTED: i32 = 12;

/// How the filter's own functions are called, and what the host calls them.
const OURS: (&str, &str) = ("brownout_on_", "proxy_on_");

/// The module that offers exactly this. The same bytes give the same bytes.
///
/// # Errors
/// What is no module, or does not fit.
pub fn finish(linked: &[u8], offered: &[&str]) -> Result<Vec<u8>, String> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse(linked).map_err(|error| format!("this is no module: {error}"))?;
    put_ours_in_place(&mut module)?;
    keep(&mut module, offered)?;
    answer_what_is_not_called(&mut module)?;
    passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

/// Has each function of ours stand where the SDK's of the same name stood.
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
            return Err(format!("`{}{event}` stands for nothing that the host calls", OURS.0));
        };
        if signature(module, item) != signature(module, old) {
            return Err(format!("`{}{event}` takes or gives something else than `{name}`", OURS.0));
        }
        module.exports.delete(theirs);
        module.exports.get_mut(id).name = name;
    }
    Ok(())
}

/// What a function takes and gives.
fn signature(module: &Module, item: ExportItem) -> Option<(&[walrus::ValType], &[walrus::ValType])> {
    let ExportItem::Function(function) = item else { return None };
    let of_type = module.types.get(module.funcs.get(function).ty());
    Some((of_type.params(), of_type.results()))
}

/// Leaves exactly these exports.
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

/// Puts a function that answers "unimplemented" in the place of each of the host's that only the SDK names.
fn answer_what_is_not_called(module: &mut Module) -> Result<(), String> {
    let unused: Vec<_> = module
        .imports
        .iter()
        .filter(|import| import.module == HOST && !CALLED.contains(&import.name.as_str()))
        .map(|import| (import.name.clone(), import.kind.clone()))
        .collect();
    for (name, kind) in unused {
        let ImportKind::Function(function) = kind else { return Err(format!("`{name}` is no function")) };
        if signature(module, ExportItem::Function(function)).is_none_or(|(_, gives)| gives != [ValType::I32])
        {
            return Err(format!("`{name}` does not give a status"));
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
/// If there is a module in it already.
pub fn embed(mut command: Vec<u8>, module: &[u8]) -> Result<Vec<u8>, String> {
    if command.ends_with(MARK) {
        return Err("this command has a module in it already: name the one that cargo has built".into());
    }
    command.extend_from_slice(module);
    command.extend_from_slice(&(module.len() as u64).to_le_bytes());
    command.extend_from_slice(MARK);
    Ok(command)
}

#[cfg(test)]
mod tests;
