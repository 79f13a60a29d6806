//! A proxy-wasm host that counts: an interpreter for the module, with the minimum of what Envoy provides.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use wasmi::{
    AsContext, AsContextMut, Caller, CompilationMode, Config, Engine, Extern, Func, Instance, Linker, Memory,
    Module, Store, Val,
};

/// More fuel than any run here uses.
const FUEL: u64 = 1 << 60;
/// Values of proxy-wasm's `Status` enum.
const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
/// A value of proxy-wasm's `BufferType` enum.
const PLUGIN_CONFIGURATION: i32 = 7;
/// A value of proxy-wasm's `LogLevel` enum.
const WARN: u32 = 3;

/// The cost of a series of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// WebAssembly instructions, as counted by the interpreter's fuel.
    pub instructions: u64,
    /// Calls from the module to its host.
    pub calls: u64,
}

/// A module in its host.
pub struct Guest {
    store: Store<Host>,
    instance: Instance,
}

/// The state behind the host's answers to the module.
#[derive(Default)]
struct Host {
    configuration: Vec<u8>,
    headers: Vec<(String, String)>,
    properties: BTreeMap<Vec<u8>, Vec<u8>>,
    shared: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    metrics: u32,
    /// The time on both clocks, in nanoseconds.
    now: u64,
    calls: u64,
}

impl Guest {
    /// Loads a module and gives it this configuration and these request headers.
    ///
    /// # Panics
    /// When it cannot be loaded.
    pub fn load(module: &Path, configuration: &str, headers: &[(&str, &str)]) -> Self {
        let mut config = Config::default();
        config.consume_fuel(true).compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let bytes = std::fs::read(module).expect("a module: run `make wasm`");
        let module = Module::new(&engine, bytes).expect("a module");
        let host = Host {
            configuration: configuration.into(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            properties: headers
                .iter()
                .map(|(name, value)| (format!("request\0headers\0{name}").into(), value.as_bytes().into()))
                .collect(),
            now: 1 << 50,
            ..Host::default()
        };
        let mut store = Store::new(&engine, host);
        store.set_fuel(FUEL).expect("fuel is counted");
        let mut linker = Linker::new(&engine);
        for import in module.imports() {
            let name = import.name().to_owned();
            let of_type = import.ty().func().expect("modules import functions only").clone();
            let call = move |caller: Caller<'_, Host>, given: &[Val], returned: &mut [Val]| {
                let given: Vec<i64> = given.iter().map(number).collect();
                let status = answer(caller, &name, &given);
                if let Some(returned) = returned.first_mut() {
                    *returned = Val::I32(status);
                }
                Ok(())
            };
            linker.func_new(import.module(), import.name(), of_type, call).expect("each import occurs once");
        }
        let instance = linker.instantiate_and_start(&mut store, &module).expect("every import is there");
        Self { store, instance }
    }

    /// Calls an exported function if the module has it, as Envoy does. Returns its result, or 0.
    ///
    /// # Panics
    /// When the module traps.
    pub fn call(&mut self, name: &str, given: &[i32]) -> i32 {
        let Some(function) = self.instance.get_func(&self.store, name) else { return 0 };
        let given: Vec<_> = given.iter().map(|number| Val::I32(*number)).collect();
        let mut returned = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &given, &mut returned).unwrap_or_else(|trap| panic!("{name}: {trap}"));
        returned.first().map_or(0, |value| number(value) as i32)
    }

    /// Measures what the calls in `run` cost.
    pub fn cost(&mut self, run: impl FnOnce(&mut Self)) -> Cost {
        let (fuel, calls) = (self.fuel(), self.store.data().calls);
        run(self);
        Cost { instructions: fuel - self.fuel(), calls: self.store.data().calls - calls }
    }

    /// Advances both clocks, without calling the module.
    pub fn wait(&mut self, milliseconds: u64) {
        self.store.data_mut().now += milliseconds * 1_000_000;
    }

    /// Returns the size of the module's memory, in bytes.
    pub fn memory(&self) -> usize {
        let memory = self.instance.get_memory(&self.store, "memory").expect("every module has a memory");
        memory.data(&self.store).len()
    }

    fn fuel(&self) -> u64 {
        self.store.get_fuel().expect("fuel is counted")
    }
}

fn number(value: &Val) -> i64 {
    match value {
        Val::I32(number) => i64::from(*number),
        Val::I64(number) => *number,
        other => panic!("proxy-wasm takes and gives integers, not {other:?}"),
    }
}

/// Does what Envoy would do, as far as it matters here. All other calls succeed and do nothing.
fn answer(mut caller: Caller<'_, Host>, name: &str, given: &[i64]) -> i32 {
    caller.data_mut().calls += 1;
    let mut guest = Call { caller, given };
    match name {
        "proxy_get_buffer_bytes" if guest.number(0) == PLUGIN_CONFIGURATION => {
            let configuration = guest.caller.data().configuration.clone();
            guest.hand_over(&configuration, 3)
        }
        "proxy_get_header_map_value" => {
            let name = guest.bytes(1);
            let headers = &guest.caller.data().headers;
            let found = headers.iter().find(|(given, _)| given.as_bytes() == name);
            match found.map(|(_, value)| value.clone()) {
                Some(value) => guest.hand_over(value.as_bytes(), 3),
                None => NOT_FOUND,
            }
        }
        "proxy_get_header_map_pairs" => {
            let pairs = serialized(&guest.caller.data().headers);
            guest.hand_over(&pairs, 1)
        }
        "proxy_get_property" => match guest.caller.data().properties.get(&guest.bytes(0)).cloned() {
            Some(value) => guest.hand_over(&value, 2),
            None => NOT_FOUND,
        },
        "proxy_get_shared_data" => match guest.caller.data().shared.get(&guest.bytes(0)).cloned() {
            Some((value, cas)) => {
                guest.write(4, &cas.to_le_bytes());
                guest.hand_over(&value, 2)
            }
            None => NOT_FOUND,
        },
        "proxy_set_shared_data" => {
            let (key, value) = (guest.bytes(0), guest.bytes(2));
            let slot = guest.caller.data_mut().shared.entry(key).or_default();
            *slot = (value, slot.1 + 1);
            OK
        }
        "proxy_define_metric" => {
            guest.caller.data_mut().metrics += 1;
            let id = guest.caller.data().metrics;
            guest.write(3, &id.to_le_bytes());
            OK
        }
        "proxy_get_log_level" => {
            guest.write(0, &WARN.to_le_bytes());
            OK
        }
        "clock_time_get" => {
            let now = guest.caller.data().now;
            guest.write(2, &now.to_le_bytes());
            OK
        }
        "random_get" => {
            // Always the same random bytes, so that every run is the same.
            let bytes = vec![0x5a; guest.number(1) as usize];
            guest.write(0, &bytes);
            OK
        }
        "environ_sizes_get" => {
            guest.write(0, &[0; 4]);
            guest.write(1, &[0; 4]);
            OK
        }
        "proc_exit" => panic!("the module has given up"),
        _ => OK,
    }
}

/// Serializes headers in proxy-wasm's layout: their number, all lengths, then each name and value, NUL-terminated.
fn serialized(headers: &[(String, String)]) -> Vec<u8> {
    let size = |text: &str| u32::try_from(text.len()).expect("short").to_le_bytes();
    let mut bytes = u32::try_from(headers.len()).expect("few").to_le_bytes().to_vec();
    for (name, value) in headers {
        bytes.extend(size(name));
        bytes.extend(size(value));
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// A call from the module. Pointers among its arguments point into the module's memory.
struct Call<'a> {
    caller: Caller<'a, Host>,
    given: &'a [i64],
}

impl Call<'_> {
    fn number(&self, index: usize) -> i32 {
        self.given[index] as i32
    }

    fn address(&self, index: usize) -> usize {
        self.number(index) as u32 as usize
    }

    /// Returns the bytes at a pointer argument; the next argument is their size.
    fn bytes(&self, index: usize) -> Vec<u8> {
        let (begin, size) = (self.address(index), self.address(index + 1));
        self.memory().data(self.caller.as_context())[begin..begin + size].to_vec()
    }

    fn write(&mut self, index: usize, bytes: &[u8]) {
        let address = self.address(index);
        let memory = self.memory();
        memory.write(self.caller.as_context_mut(), address, bytes).expect("a pointer into the memory");
    }

    /// Copies bytes into memory that the module allocates, and writes pointer and size where the module wants them.
    fn hand_over(&mut self, bytes: &[u8], index: usize) -> i32 {
        let allocate = self.caller.get_export("proxy_on_memory_allocate").and_then(Extern::into_func);
        let allocate: Func = allocate.expect("every module of proxy-wasm allocates");
        let size = i32::try_from(bytes.len()).expect("a short value");
        let mut returned = [Val::I32(0)];
        allocate
            .call(self.caller.as_context_mut(), &[Val::I32(size)], &mut returned)
            .expect("there is memory");
        let pointer = number(&returned[0]) as u32;
        let memory = self.memory();
        memory.write(self.caller.as_context_mut(), pointer as usize, bytes).expect("what was allocated");
        self.write(index, &pointer.to_le_bytes());
        self.write(index + 1, &size.to_le_bytes());
        OK
    }

    fn memory(&self) -> Memory {
        let memory = self.caller.get_export("memory").and_then(Extern::into_memory);
        memory.expect("every module has a memory")
    }
}
