//! Calls about the stream of the effective context.

use super::{BAD_ARGUMENT, NOT_FOUND, OK, answer, bytes, text};
use crate::host::proxy::{World, world};
use crate::host::stream::{Action, Stream};
use brownout_core::id::Direction;
use brownout_core::sim::Progress;
use brownout_core::step::HeaderChange;
use brownout_core::view::Property;

fn direction_of_map(map: u32) -> Option<Direction> {
    match map {
        0 => Some(Direction::Request),
        2 => Some(Direction::Response),
        _ => None,
    }
}

fn direction_of(number: u32) -> Option<Direction> {
    match number {
        0 => Some(Direction::Request),
        1 => Some(Direction::Response),
        _ => None,
    }
}

/// Returns the headers of a message of the effective context, as long as they have not been passed on.
fn headers(world: &mut World, direction: Direction) -> Result<&mut brownout_core::sim::Message, u32> {
    let effective = world.effective;
    let shown = world.headers_of == Some((effective, direction));
    let message = world.streams.get_mut(&effective).and_then(|stream| stream.message(direction));
    message.filter(|message| shown || message.state == Progress::HeadersHeld).ok_or(BAD_ARGUMENT)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_set_effective_context(context: u32) -> u32 {
    world(|world| {
        if let Some(status) = world.odds.failure("proxy_set_effective_context") {
            if let Some(stream) = world.streams.get_mut(&context) {
                stream.stuck = true;
            }
            return status;
        }
        if !world.streams.contains_key(&context) && !world.roots.contains(&context) {
            return BAD_ARGUMENT;
        }
        world.effective = context;
        OK
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_get_buffer_bytes(
    buffer: u32,
    start: usize,
    most: usize,
    data: *mut *mut u8,
    size: *mut usize,
) -> u32 {
    let truth = |world: &mut World| {
        let effective = world.effective;
        let bytes = match (buffer, &world.shown) {
            (7, _) => &world.configuration,
            (_, Some((id, direction, shown)))
                if *id == effective && direction_of(buffer) == Some(*direction) =>
            {
                shown
            }
            _ => return Err(NOT_FOUND),
        };
        let from = bytes.get(start..).ok_or(BAD_ARGUMENT)?;
        Ok(from[..from.len().min(most)].to_vec())
    };
    // SAFETY: the caller's.
    unsafe { answer("proxy_get_buffer_bytes", data, size, truth) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_set_buffer_bytes(
    buffer: u32,
    start: usize,
    replaced: usize,
    data: *const u8,
    size: usize,
) -> u32 {
    // SAFETY: the caller's.
    let new = unsafe { bytes(data, size) }.to_vec();
    world(|world| {
        let failure = world.odds.failure("proxy_set_buffer_bytes");
        let effective = world.effective;
        let Some(direction) = direction_of(buffer) else { return BAD_ARGUMENT };
        if let Some((id, of, shown)) = &mut world.shown
            && (*id, *of) == (effective, direction)
        {
            if failure.is_none() {
                let end = shown.len().min(start.saturating_add(replaced));
                shown.splice(start.min(end)..end, new);
            }
            return failure.unwrap_or(OK);
        }
        let message = world.streams.get_mut(&effective).and_then(|stream| stream.message(direction));
        let Some(message) = message else { return BAD_ARGUMENT };
        if message.state != Progress::Buffer && !new.is_empty() {
            world.wrong.push(format!("{} bytes written into a buffer that is not there", new.len()));
            return BAD_ARGUMENT;
        }
        if failure.is_none() && !new.is_empty() {
            message.put(new);
        }
        failure.unwrap_or(OK)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32 {
    let truth = |world: &mut World| {
        let message = headers(world, direction_of_map(map).ok_or(BAD_ARGUMENT)?)?;
        Ok(serialized(&message.headers))
    };
    // SAFETY: the caller's.
    unsafe { answer("proxy_get_header_map_pairs", data, size, truth) }
}

fn serialized(headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = (headers.len() as u32).to_le_bytes().to_vec();
    for (name, value) in headers {
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
    }
    for part in headers.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
        bytes.extend(part);
        bytes.push(0);
    }
    bytes
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_get_header_map_value(
    map: u32,
    name: *const u8,
    name_size: usize,
    data: *mut *mut u8,
    size: *mut usize,
) -> u32 {
    // SAFETY: the caller's.
    let name = unsafe { text(name, name_size) };
    let truth = |world: &mut World| {
        let message = headers(world, direction_of_map(map).ok_or(BAD_ARGUMENT)?)?;
        let found = message.headers.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.clone()).ok_or(NOT_FOUND)
    };
    // SAFETY: the caller's.
    unsafe { answer("proxy_get_header_map_value", data, size, truth) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_get_property(
    path: *const u8,
    path_size: usize,
    data: *mut *mut u8,
    size: *mut usize,
) -> u32 {
    // SAFETY: the caller's.
    let path = unsafe { text(path, path_size) };
    let truth = |world: &mut World| {
        let effective = world.effective;
        let facts = &world.streams.get(&effective).ok_or(NOT_FOUND)?.facts;
        let property = match path.split('\0').nth(1) {
            Some("route_metadata") => Property::RouteDocument,
            Some("virtual_host_metadata") => Property::VirtualHostDocument,
            Some("address") => Property::SourceAddress,
            Some("listener_direction") => Property::ListenerDirection,
            _ => Property::RouteName,
        };
        facts.fact(property).ok_or(NOT_FOUND)
    };
    // SAFETY: the caller's.
    unsafe { answer("proxy_get_property", data, size, truth) }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_set_property(
    _path: *const u8,
    _path_size: usize,
    _value: *const u8,
    _size: usize,
) -> u32 {
    world(|world| world.odds.failure("proxy_set_property").unwrap_or(OK))
}

fn change(call: &str, map: u32, change: HeaderChange) -> u32 {
    world(|world| {
        if let Some(status) = world.odds.failure(call) {
            return status;
        }
        let Some(direction) = direction_of_map(map) else { return BAD_ARGUMENT };
        match headers(world, direction) {
            Ok(message) => {
                message.change(&[change]);
                OK
            }
            Err(status) => {
                world.wrong.push(format!("{change:?} after the headers have gone"));
                status
            }
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_add_header_map_value(
    map: u32,
    name: *const u8,
    name_size: usize,
    value: *const u8,
    size: usize,
) -> u32 {
    // SAFETY: the caller's.
    let (name, value) = unsafe { (text(name, name_size), bytes(value, size).to_vec()) };
    change("proxy_add_header_map_value", map, HeaderChange::Add(name, value))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_replace_header_map_value(
    map: u32,
    name: *const u8,
    name_size: usize,
    value: *const u8,
    size: usize,
) -> u32 {
    // SAFETY: the caller's.
    let (name, value) = unsafe { (text(name, name_size), bytes(value, size).to_vec()) };
    change("proxy_replace_header_map_value", map, HeaderChange::Set(name, value))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32 {
    // SAFETY: the caller's.
    let name = unsafe { text(name, name_size) };
    change("proxy_remove_header_map_value", map, HeaderChange::Remove(name))
}

/// Records an action on the stream of the effective context, and whether it is allowed at all. `allowed` is told
/// whether the headers of its response are being shown.
fn act(call: &str, action: Action, allowed: impl FnOnce(&Stream, bool) -> bool) -> u32 {
    world(|world| {
        let effective = world.effective;
        let failure = world.odds.failure(call);
        let answering = world.headers_of == Some((effective, Direction::Response));
        let Some(stream) = world.streams.get_mut(&effective) else {
            // The module tests on its root context whether the call is allowed.
            if !matches!(action, Action::Continue(_)) {
                world.wrong.push(format!("{action:?} on context {effective}, which is no stream"));
            }
            return failure.unwrap_or(OK);
        };
        let wrong = if stream.deleting {
            "being deleted"
        } else if stream.ending {
            "that has been ended"
        } else if stream.actions > 0 {
            "that has been acted upon in this callback"
        } else if !allowed(stream, answering) {
            "that does not wait for it"
        } else {
            ""
        };
        if !wrong.is_empty() {
            let waits = [Direction::Request, Direction::Response].map(|direction| stream.waits(direction));
            world.wrong.push(format!("{action:?} on a stream {wrong} (waiting: {waits:?})"));
        }
        if let Some(status) = failure {
            stream.stuck = true;
            return status;
        }
        stream.actions += 1;
        stream.ending |= !matches!(action, Action::Continue(_));
        world.actions.push((effective, action));
        OK
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn proxy_send_local_response(
    status: u32,
    details: *const u8,
    details_size: usize,
    body: *const u8,
    body_size: usize,
    headers: *const u8,
    headers_size: usize,
    grpc_status: i32,
) -> u32 {
    // SAFETY: the caller's.
    let (details, body, headers) = unsafe {
        (text(details, details_size), bytes(body, body_size).to_vec(), bytes(headers, headers_size).to_vec())
    };
    let headers = parsed(&headers);
    let right = (200..=599).contains(&status)
        && details.starts_with("brownout")
        && (-1..=16).contains(&grpc_status)
        && headers.iter().all(|(name, value)| {
            !name.is_empty() && !name.starts_with(':') && !value.iter().any(|byte| b"\r\n\0".contains(byte))
        });
    if !right {
        world(|world| world.wrong.push(format!("a reply: {status} {details} {grpc_status} {headers:?}")));
    }
    let reply = Action::Reply(status, headers, body);
    act("proxy_send_local_response", reply, |stream, answering| {
        answering || stream.response.as_ref().is_none_or(|response| response.state == Progress::HeadersHeld)
    })
}

fn parsed(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
    let count = number(0);
    let mut at = 4 + count * 8;
    let mut part = |size: usize| {
        let part = bytes[at..at + size].to_vec();
        assert_eq!(bytes[at + size], 0);
        at += size + 1;
        part
    };
    let pairs = (0..count).map(|place| {
        let name = part(number(4 + place * 8));
        (String::from_utf8_lossy(&name).into_owned(), part(number(8 + place * 8)))
    });
    pairs.collect()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_continue_stream(stream: u32) -> u32 {
    let Some(direction) = direction_of(stream) else { return BAD_ARGUMENT };
    act("proxy_continue_stream", Action::Continue(direction), |stream, _| stream.waits(direction))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_close_stream(_stream: u32) -> u32 {
    act("proxy_close_stream", Action::Close, |_, _| true)
}
