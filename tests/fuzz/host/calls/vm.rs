//! Calls about the VM: clocks, chance, the log, the timer, shared data and metrics; and those that are never made.

use super::{BAD_ARGUMENT, CAS_MISMATCH, NOT_FOUND, OK, answer, bytes, text};
use crate::host::proxy::{World, world};

#[unsafe(no_mangle)]
extern "C" fn __wasm_call_ctors() {}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_time_get(clock: u32, _precision: u64, time: *mut u64) -> u32 {
    world(|world| match world.odds.failure("clock_time_get") {
        Some(status) => status,
        None => {
            // SAFETY: the module shows where the time goes.
            unsafe { *time = if clock == 0 { world.wall } else { world.now } };
            OK
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn random_get(buffer: *mut u8, size: usize) -> u32 {
    world(|world| match world.odds.failure("random_get") {
        Some(status) => status,
        None => {
            for place in 0..size {
                // SAFETY: the module has so many bytes there.
                unsafe { *buffer.add(place) = world.odds.number() as u8 };
            }
            OK
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_log(_level: u32, data: *const u8, size: usize) -> u32 {
    // SAFETY: the caller's.
    let line = unsafe { text(data, size) };
    world(|world| {
        if line.chars().any(char::is_control) {
            world.wrong.push(format!("more than a line of the log: {line:?}"));
        }
    });
    OK
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_get_log_level(level: *mut u32) -> u32 {
    world(|world| match world.odds.failure("proxy_get_log_level") {
        Some(status) => status,
        None => {
            // SAFETY: the module shows where the level goes.
            unsafe { *level = world.odds.number() as u32 % 8 };
            OK
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_set_tick_period_milliseconds(period: u32) -> u32 {
    world(|world| {
        if let Some(status) = world.odds.failure("proxy_set_tick_period_milliseconds") {
            return status;
        }
        let effective = world.effective;
        let root = world.streams.get(&effective).map_or(effective, |stream| stream.root);
        if period == 0 {
            world.timers.remove(&root);
        } else {
            let period = u64::from(period) * 1_000_000;
            world.timers.insert(root, (period, world.now.saturating_add(period)));
        }
        OK
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_get_shared_data(
    key: *const u8,
    key_size: usize,
    data: *mut *mut u8,
    size: *mut usize,
    cas: *mut u32,
) -> u32 {
    // SAFETY: the caller's.
    let key = unsafe { bytes(key, key_size) };
    let truth = |world: &mut World| {
        let (value, version) = world.shared.get(key).ok_or(NOT_FOUND)?;
        // SAFETY: the module shows where the version goes.
        unsafe { *cas = *version };
        Ok(value.clone())
    };
    // SAFETY: the caller's.
    unsafe { answer("proxy_get_shared_data", data, size, truth) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_set_shared_data(
    key: *const u8,
    key_size: usize,
    data: *const u8,
    size: usize,
    cas: u32,
) -> u32 {
    // SAFETY: the caller's.
    let (key, value) = unsafe { (bytes(key, key_size), bytes(data, size)) };
    world(|world| {
        if let Some(status) = world.odds.failure("proxy_set_shared_data") {
            return status;
        }
        let known = world.shared.get(key).map(|(_, version)| *version);
        if known.is_some_and(|version| cas != 0 && cas != version) {
            return CAS_MISMATCH;
        }
        world.shared.insert(key.to_vec(), (value.to_vec(), known.unwrap_or(0) + 1));
        OK
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_define_metric(_kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32 {
    // SAFETY: the caller's.
    let name = unsafe { text(name, name_size) };
    world(|world| {
        if let Some(status) = world.odds.failure("proxy_define_metric") {
            world.miscounted = true;
            return status;
        }
        let known = world.metrics.iter().position(|(other, _)| *other == name);
        let place = known.unwrap_or_else(|| {
            world.metrics.push((name, 0));
            world.metrics.len() - 1
        });
        // SAFETY: the module shows where the number goes.
        unsafe { *id = place as u32 };
        OK
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_increment_metric(id: u32, offset: i64) -> u32 {
    world(|world| {
        if let Some(status) = world.odds.failure("proxy_increment_metric") {
            world.miscounted = true;
            return status;
        }
        match world.metrics.get_mut(id as usize) {
            Some((_, value)) => {
                *value += offset;
                OK
            }
            None => BAD_ARGUMENT,
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_record_metric(id: u32, value: u64) -> u32 {
    world(|world| {
        if let Some(status) = world.odds.failure("proxy_record_metric") {
            world.miscounted = true;
            return status;
        }
        if let Some((_, known)) = world.metrics.get_mut(id as usize) {
            *known = i64::try_from(value).unwrap_or(i64::MAX);
        }
        OK
    })
}

/// Defines host calls that the SDK imports and the module never makes.
macro_rules! never_called {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> u32 {
                world(|world| world.wrong.push(concat!("a call of ", stringify!($name)).into()));
                BAD_ARGUMENT
            }
        )*
    };
}

never_called! {
    proxy_call_foreign_function
    proxy_dequeue_shared_queue
    proxy_done
    proxy_enqueue_shared_queue
    proxy_get_current_time_nanoseconds
    proxy_get_status
    proxy_grpc_call
    proxy_grpc_cancel
    proxy_grpc_close
    proxy_grpc_send
    proxy_grpc_stream
    proxy_http_call
    proxy_register_shared_queue
    proxy_resolve_shared_queue
}
