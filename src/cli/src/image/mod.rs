//! `brownout image`: the module as an OCI image, in the two forms that Istio's agent accepts.

mod arguments;
mod bundle;
mod credentials;
mod layout;
mod push;
mod report;

pub use arguments::Arguments;
pub use bundle::{Blob, Form, Image};

use crate::module;
use crate::terminal::{Done, print, unusable};
use std::io;
use std::path::PathBuf;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Module(#[from] module::Error),
    #[error("cannot write `{path}`: {source}")]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("`{0}` is not empty and not an OCI layout: choose another folder with `--layout`")]
    Occupied(PathBuf),
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    #[error(transparent)]
    Push(#[from] push::Error),
}

/// Runs the command: 0 on success, 2 if the module is missing or something cannot be written or pushed.
pub fn run(arguments: &Arguments) -> Done {
    print(make(arguments).map_err(unusable)?);
    Ok(())
}

fn make(arguments: &Arguments) -> Result<String, Error> {
    let wasm = module::find(arguments.module.as_deref())?.bytes;
    let images = Form::ALL.map(|form| Image::new(form, &wasm));
    if let Some(folder) = &arguments.layout {
        layout::write(folder, &images)?;
    }
    if let Some(reference) = &arguments.push {
        let credentials = credentials::find(arguments, reference.registry())?;
        let form = arguments.form;
        // There is exactly one image of each form.
        for image in images.iter().filter(|image| image.form() == form) {
            push::push(image, reference, &credentials, arguments.plain_http)?;
        }
    }
    Ok(report::Digests::new(&wasm, &images, arguments).show(arguments.format))
}
