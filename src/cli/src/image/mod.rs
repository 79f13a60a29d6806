//! `brownout image`: the module as an OCI image, in the two forms that Istio's agent takes.

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
    #[error("`{0}` holds something that is not an OCI layout: name another folder with `--layout`")]
    Occupied(PathBuf),
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    #[error(transparent)]
    Push(#[from] push::Error),
}

/// Runs it: 0 when it is done, 2 when the module is not there or something cannot be written or pushed.
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
        // One of each form was made.
        for image in images.iter().filter(|image| image.form() == form) {
            push::push(image, reference, &credentials, arguments.plain_http)?;
        }
    }
    Ok(report::Report::new(&wasm, &images, arguments).show(arguments.format))
}
