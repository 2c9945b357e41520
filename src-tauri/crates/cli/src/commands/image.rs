//! `image`: makes pictures; they are in the gallery too.

use crate::arguments::Image;
use crate::output;
use domain::{Fault, FaultCode, ModelId, Picture, PictureEvent, PictureRequest, PictureState};
use engine::Engine;
use serde::Serialize;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// A line of `image --json`.
#[derive(Serialize)]
struct Line<'a> {
    picture: &'a str,
    file: Option<String>,
    model: &'a str,
    seed: Option<u64>,
    width: Option<u32>,
    height: Option<u32>,
    neurons: Option<f64>,
    took_ms: Option<u32>,
}

/// Makes the pictures and prints where each lies.
pub async fn image(engine: &Engine, options: Image) -> Result<(), Fault> {
    let mut references = Vec::new();
    for file in &options.reference {
        references.push(engine.attachments().attach_file(file.clone()).await?.id);
    }
    let request = PictureRequest {
        model: options.model.as_deref().map(ModelId::from),
        prompt: options.prompt.clone(),
        negative_prompt: options.negative.clone(),
        width: options.width,
        height: options.height,
        steps: options.steps,
        guidance: options.guidance,
        seed: options.seed,
        count: options.count,
        references,
        strength: options.strength,
        ..PictureRequest::default()
    };
    let (events, mut inbox) = mpsc::unbounded_channel::<PictureEvent>();
    let begun = engine.pictures().make_pictures(request, events).await?;
    let mut left = begun.len();
    let mut failed = None;
    while left > 0 {
        let event = tokio::select! {
            event = inbox.recv() => event,
            _ = tokio::signal::ctrl_c() => {
                for picture in &begun {
                    engine.pictures().cancel_picture(&picture.id).await?;
                }
                continue;
            }
        };
        match event {
            Some(PictureEvent::Changed { picture }) => match &picture.state {
                PictureState::Pending => {}
                PictureState::Done => {
                    let number = begun.iter().position(|each| each.id == picture.id).unwrap_or(0);
                    report(engine, &options, &picture, number).await?;
                    left -= 1;
                }
                PictureState::Failed { fault } => {
                    failed = Some(fault.clone());
                    left -= 1;
                }
                _ => {
                    failed = Some(Fault::new(FaultCode::Stopped));
                    left -= 1;
                }
            },
            Some(PictureEvent::Waiting { fault, delay_ms, .. }) if !options.json => {
                let seconds = delay_ms as f64 / 1_000.0;
                output::note(&format!("{} Again in {seconds:.1} s.", crate::sentences::of(&fault).0));
            }
            Some(_) => {}
            None => break,
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Copies the picture where the person wants it, and tells.
async fn report(engine: &Engine, options: &Image, picture: &Picture, number: usize) -> Result<(), Fault> {
    let file = match &options.output {
        Some(wanted) => {
            let file = numbered(wanted, number);
            engine.pictures().save_picture_as(picture.id.clone(), false, file.clone()).await?;
            file
        }
        None => engine.pictures().picture_path(picture.id.clone()).await?,
    };
    if !options.json {
        return output::print(&format!("{}\n", file.display()));
    }
    output::line(&Line {
        picture: &picture.id,
        file: Some(file.display().to_string()),
        model: picture.model.as_str(),
        seed: picture.request.seed,
        width: picture.width,
        height: picture.height,
        neurons: picture.usage.as_ref().and_then(|usage| usage.neurons),
        took_ms: picture.took_ms,
    })
}

/// `cat.png`, `cat-2.png`, `cat-3.png`.
fn numbered(file: &Path, number: usize) -> PathBuf {
    if number == 0 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}", number + 1);
    match file.extension() {
        Some(extension) => file.with_file_name(format!("{name}.{}", extension.to_string_lossy())),
        None => file.with_file_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;
    use std::path::Path;

    #[test]
    fn further_pictures_get_numbers() {
        assert_eq!(numbered(Path::new("a/cat.png"), 0), Path::new("a/cat.png"));
        assert_eq!(numbered(Path::new("a/cat.png"), 1), Path::new("a/cat-2.png"));
        assert_eq!(numbered(Path::new("cat"), 2), Path::new("cat-3"));
    }
}
