//! `image`: makes pictures; they are in the gallery too.

use crate::arguments::Image;
use crate::output;
use domain::{Fault, FaultCode, ModelId, Picture, PictureEvent, PictureField, PictureRequest, PictureState};
use engine::Engine;
use serde::Serialize;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// A line of `image --json`. The names are contracts.
#[derive(Serialize)]
struct Line<'a> {
    picture: &'a str,
    file: String,
    model: &'a str,
    seed: Option<u64>,
    width: Option<u32>,
    height: Option<u32>,
    neurons: Option<f64>,
    took_ms: Option<u32>,
    /// What was asked for and the model does not take.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    left_out: &'a [PictureField],
}

/// The line of a picture that failed; as in `chat --json`.
#[derive(Serialize)]
struct ErrorLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    picture: Option<&'a str>,
    code: FaultCode,
    message: String,
    hint: String,
    retry_after_ms: Option<u64>,
}

/// Makes the pictures and prints where each lies. Each that fails is told; the last fault ends the program.
pub async fn image(engine: &Engine, options: Image) -> Result<(), Fault> {
    match made(engine, &options).await {
        Ok(None) => Ok(()),
        Ok(Some(fault)) => Err(fault),
        // Nothing was begun.
        Err(fault) => {
            error_line(&options, None, &fault)?;
            Err(fault)
        }
    }
}

/// The fault of the last picture that failed, if one did.
async fn made(engine: &Engine, options: &Image) -> Result<Option<Fault>, Fault> {
    let request = request(engine, options).await?;
    if !options.json {
        tell_price(engine, &request).await?;
    }
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
            Some(PictureEvent::Changed { picture }) if picture.state != PictureState::Pending => {
                left -= 1;
                let number = begun.iter().position(|each| each.id == picture.id).unwrap_or(0);
                if let Err(fault) = report(engine, options, &picture, number).await {
                    error_line(options, Some(&picture.id), &fault)?;
                    failed = Some(fault);
                }
            }
            Some(PictureEvent::Waiting { fault, delay_ms, .. }) if !options.json => {
                let seconds = delay_ms as f64 / 1_000.0;
                output::note(&format!("{} Again in {seconds:.1} s.", crate::sentences::of(&fault).0));
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(failed)
}

async fn request(engine: &Engine, options: &Image) -> Result<PictureRequest, Fault> {
    let mut references = Vec::new();
    for file in &options.reference {
        references.push(engine.attachments().attach_file(file.clone()).await?.id);
    }
    Ok(PictureRequest {
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
    })
}

/// Says beforehand what it will cost, where a price is published. Nothing is asked: a script has nobody to answer.
async fn tell_price(engine: &Engine, request: &PictureRequest) -> Result<(), Fault> {
    let quote = engine.pictures().quote_picture(request.clone()).await?;
    if let Some(neurons) = quote.neurons {
        let passed = if quote.ask { "; this passes the soft limit of today" } else { "" };
        output::note(&format!("About {neurons:.0} neurons{passed}."));
    }
    Ok(())
}

fn error_line(options: &Image, picture: Option<&str>, fault: &Fault) -> Result<(), Fault> {
    if !options.json {
        return Ok(());
    }
    let (message, hint) = crate::sentences::of(fault);
    let (code, retry_after_ms) = (fault.code, fault.retry_after_ms);
    output::line(&ErrorLine { kind: "error", picture, code, message, hint, retry_after_ms })
}

/// Copies the picture where the person wants it, and tells. One that could not be kept is still copied: it was paid for.
async fn report(engine: &Engine, options: &Image, picture: &Picture, number: usize) -> Result<(), Fault> {
    let fault = match &picture.state {
        PictureState::Done => None,
        PictureState::Failed { fault } if picture.unsaved && options.output.is_some() => Some(fault.clone()),
        PictureState::Failed { fault } => return Err(fault.clone()),
        _ => return Err(Fault::new(FaultCode::Stopped)),
    };
    let file = match &options.output {
        Some(wanted) => {
            let file = numbered(wanted, number);
            engine.pictures().save_picture_as(picture.id.clone(), false, file.clone()).await?;
            file
        }
        None => engine.pictures().picture_path(picture.id.clone()).await?,
    };
    if options.json {
        output::line(&Line {
            picture: &picture.id,
            file: file.display().to_string(),
            model: picture.model.as_str(),
            seed: picture.request.seed,
            width: picture.width,
            height: picture.height,
            neurons: picture.usage.as_ref().and_then(|usage| usage.neurons),
            took_ms: picture.took_ms,
            left_out: &picture.left_out,
        })?;
    } else {
        notes(options, picture, &file);
        output::print(&format!("{}\n", file.display()))?;
    }
    fault.map_or(Ok(()), Err)
}

/// What the person should know of a picture that is not quite what was asked for.
fn notes(options: &Image, picture: &Picture, file: &Path) {
    if !picture.left_out.is_empty() {
        let names: Vec<&str> = picture.left_out.iter().map(|field| named(*field)).collect();
        output::note(&format!("{} does not take: {}.", picture.model, names.join(", ")));
    }
    let received = picture.media_type.as_deref().unwrap_or_default();
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let asked = match ending.as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        _ => received,
    };
    if options.output.is_some() && asked != received {
        output::note(&format!("The model answered {received}; the file was converted to {asked}."));
    }
}

fn named(field: PictureField) -> &'static str {
    match field {
        PictureField::Size => "size",
        PictureField::Steps => "steps",
        PictureField::Guidance => "guidance",
        PictureField::Seed => "seed",
        PictureField::NegativePrompt => "negative prompt",
        PictureField::Strength => "strength",
    }
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
