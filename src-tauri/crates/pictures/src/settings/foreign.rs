//! Settings that common local tools leave in their files. What is not understood is left out; nothing is guessed.

use domain::{PictureRequest, PictureSettings};
use serde_json::Value;

/// The settings of the first tool whose traces are there.
pub(super) fn read(texts: &[(String, String)]) -> Option<PictureSettings> {
    let text = |key: &str| texts.iter().find(|(found, _)| found == key).map(|(_, text)| text.as_str());
    let json = |key: &str| text(key).and_then(|text| serde_json::from_str::<Value>(text).ok());
    None.or_else(|| swarm(&json("parameters")?))
        .or_else(|| fooocus(&json("parameters")?))
        .or_else(|| web_ui(text("parameters").filter(|text| !text.trim_start().starts_with('{'))?))
        .or_else(|| invoke(&json("invokeai_metadata")?))
        .or_else(|| comfy(&json("prompt")?))
        .or_else(|| novel(text("Description")?, &json("Comment")?))
}

fn settings(source: &str, request: PictureRequest, model_name: Option<String>) -> PictureSettings {
    PictureSettings { request: PictureRequest { count: 1, ..request }, source: source.to_owned(), model_name }
}

/// Stable Diffusion web UI and its kin: prompt lines, `Negative prompt:`, then `Name: value, ...` on the last line.
fn web_ui(text: &str) -> Option<PictureSettings> {
    let (head, last) = match text.trim_end().rsplit_once('\n') {
        Some((head, last)) if is_values(last) => (head, last),
        _ if is_values(text) => ("", text),
        _ => (text, ""),
    };
    let (prompt, negative) = match head.split_once("Negative prompt:") {
        Some((prompt, negative)) => (prompt.trim(), Some(negative.trim().to_owned())),
        None => (head.trim(), None),
    };
    let mut request = PictureRequest {
        prompt: prompt.to_owned(),
        negative_prompt: negative.filter(|text| !text.is_empty()),
        ..PictureRequest::default()
    };
    let mut model = None;
    for (name, value) in values(last) {
        match name.as_str() {
            "Steps" => request.steps = value.parse().ok(),
            "CFG scale" => request.guidance = value.parse().ok(),
            "Seed" => request.seed = value.parse().ok(),
            "Size" => {
                if let Some((width, height)) = value.split_once('x') {
                    request.width = width.trim().parse().ok();
                    request.height = height.trim().parse().ok();
                }
            }
            "Denoising strength" => request.strength = value.parse().ok(),
            "Model" => model = Some(value),
            _ => {}
        }
    }
    if request.prompt.is_empty() && request.steps.is_none() && request.seed.is_none() {
        return None;
    }
    // Our own `parameters` name models as they are called; other tools name files.
    if let Some(id) = model.as_ref().filter(|name| name.starts_with('@')) {
        request.model = Some(id.as_str().into());
    }
    Some(settings("Stable Diffusion web UI", request, model))
}

fn is_values(line: &str) -> bool {
    line.starts_with("Steps: ")
        || line.starts_with("Size: ")
        || (line.contains("Seed: ") && line.contains(", "))
}

/// `Name: value` pairs between commas; a value in quotes may hold commas.
fn values(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut quoted = false;
    let mut piece = String::new();
    for character in line.chars().chain([',']) {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                if let Some((name, value)) = piece.split_once(": ") {
                    pairs.push((name.trim().to_owned(), value.trim().to_owned()));
                }
                piece.clear();
            }
            other => piece.push(other),
        }
    }
    pairs
}

/// SwarmUI: one JSON object with the parameters in an object of their own.
fn swarm(value: &Value) -> Option<PictureSettings> {
    let value = value.get("sui_image_params")?;
    let request = PictureRequest {
        prompt: text(value, "prompt")?,
        negative_prompt: text(value, "negativeprompt").filter(|text| !text.is_empty()),
        width: number(value, "width"),
        height: number(value, "height"),
        steps: number(value, "steps"),
        guidance: value.get("cfgscale").and_then(Value::as_f64),
        seed: value.get("seed").and_then(Value::as_u64),
        strength: value.get("initimagecreativity").and_then(Value::as_f64),
        ..PictureRequest::default()
    };
    Some(settings("SwarmUI", request, text(value, "model")))
}

/// Fooocus: one flat JSON object; the size as `(896, 1152)`, the seed as text.
fn fooocus(value: &Value) -> Option<PictureSettings> {
    value.get("base_model").or(value.get("performance"))?;
    let resolution = text(value, "resolution").unwrap_or_default();
    let mut sides = resolution.trim_matches(['(', ')']).split(',').map(|side| side.trim().parse().ok());
    let seed = value.get("seed");
    let request = PictureRequest {
        prompt: text(value, "prompt")?,
        negative_prompt: text(value, "negative_prompt").filter(|text| !text.is_empty()),
        width: sides.next().flatten(),
        height: sides.next().flatten(),
        steps: number(value, "steps"),
        guidance: value.get("guidance_scale").and_then(Value::as_f64),
        seed: seed.and_then(|seed| seed.as_u64().or_else(|| seed.as_str()?.parse().ok())),
        ..PictureRequest::default()
    };
    Some(settings("Fooocus", request, text(value, "base_model")))
}

/// InvokeAI: one flat JSON object.
fn invoke(value: &Value) -> Option<PictureSettings> {
    let request = PictureRequest {
        prompt: value.get("positive_prompt")?.as_str()?.to_owned(),
        negative_prompt: text(value, "negative_prompt").filter(|text| !text.is_empty()),
        width: number(value, "width"),
        height: number(value, "height"),
        steps: number(value, "steps"),
        guidance: value.get("cfg_scale").and_then(Value::as_f64),
        seed: value.get("seed").and_then(Value::as_u64),
        strength: value.get("strength").and_then(Value::as_f64),
        ..PictureRequest::default()
    };
    let model = value.get("model").and_then(|model| model.get("name").or(model.get("model_name"))?.as_str());
    Some(settings("InvokeAI", request, model.map(str::to_owned)))
}

/// ComfyUI: a graph of nodes. The sampler's `positive` and `negative` links lead to the texts.
fn comfy(graph: &Value) -> Option<PictureSettings> {
    let nodes = graph.as_object()?;
    let sampler = nodes
        .values()
        .find(|node| node["class_type"].as_str().is_some_and(|class| class.contains("KSampler")))?
        .get("inputs")?;
    let linked =
        |name: &str| -> Option<&Value> { nodes.get(sampler.get(name)?.get(0)?.as_str()?)?.get("inputs") };
    let prompt = linked("positive").and_then(|inputs| text(inputs, "text"))?;
    let latent = linked("latent_image");
    let model = nodes.values().find_map(|node| text(node.get("inputs")?, "ckpt_name"));
    let request = PictureRequest {
        prompt,
        negative_prompt: linked("negative")
            .and_then(|inputs| text(inputs, "text"))
            .filter(|text| !text.is_empty()),
        width: latent.and_then(|inputs| number(inputs, "width")),
        height: latent.and_then(|inputs| number(inputs, "height")),
        steps: number(sampler, "steps"),
        guidance: sampler.get("cfg").and_then(Value::as_f64),
        seed: sampler.get("seed").or(sampler.get("noise_seed")).and_then(Value::as_u64),
        strength: None,
        ..PictureRequest::default()
    };
    Some(settings("ComfyUI", request, model))
}

/// NovelAI: the prompt as description, the values as JSON comment.
fn novel(prompt: &str, value: &Value) -> Option<PictureSettings> {
    value.get("steps")?;
    let request = PictureRequest {
        prompt: prompt.to_owned(),
        negative_prompt: text(value, "uc").filter(|text| !text.is_empty()),
        width: number(value, "width"),
        height: number(value, "height"),
        steps: number(value, "steps"),
        guidance: value.get("scale").and_then(Value::as_f64),
        seed: value.get("seed").and_then(Value::as_u64),
        strength: value.get("strength").and_then(Value::as_f64),
        ..PictureRequest::default()
    };
    Some(settings("NovelAI", request, None))
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn number(value: &Value, key: &str) -> Option<u32> {
    value.get(key)?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[(&str, &str)], source: &str, expected: &PictureRequest) {
        let texts: Vec<_> = texts.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        let found = read(&texts).unwrap_or_else(|| panic!("{source} is understood"));
        assert_eq!(found.source, source);
        assert_eq!(&found.request, expected, "{source}");
    }

    fn cat() -> PictureRequest {
        PictureRequest {
            prompt: "a cat, sitting".to_owned(),
            negative_prompt: Some("a dog".to_owned()),
            width: Some(512),
            height: Some(768),
            steps: Some(20),
            guidance: Some(7.5),
            seed: Some(42),
            count: 1,
            ..PictureRequest::default()
        }
    }

    #[test]
    fn the_common_local_tools_are_understood() {
        let web_ui = "a cat, sitting\nNegative prompt: a dog\nSteps: 20, Sampler: DPM++ 2M, CFG scale: 7.5, Seed: 42, Size: 512x768, Model: dream, Lora hashes: \"a: 1, b: 2\"";
        check(&[("parameters", web_ui)], "Stable Diffusion web UI", &cat());
        let invoke = r#"{"positive_prompt":"a cat, sitting","negative_prompt":"a dog","width":512,"height":768,"steps":20,"cfg_scale":7.5,"seed":42}"#;
        check(&[("invokeai_metadata", invoke)], "InvokeAI", &cat());
        let comfy = r#"{"3":{"class_type":"KSampler","inputs":{"seed":42,"steps":20,"cfg":7.5,"positive":["6",0],"negative":["7",0],"latent_image":["5",0]}},
            "5":{"class_type":"EmptyLatentImage","inputs":{"width":512,"height":768}},"6":{"class_type":"CLIPTextEncode","inputs":{"text":"a cat, sitting"}},
            "7":{"class_type":"CLIPTextEncode","inputs":{"text":"a dog"}}}"#;
        check(&[("workflow", "{}"), ("prompt", comfy)], "ComfyUI", &cat());
        let swarm = r#"{"sui_image_params":{"prompt":"a cat, sitting","negativeprompt":"a dog","model":"dream","seed":42,"steps":20,"cfgscale":7.5,"aspectratio":"custom","width":512,"height":768},"sui_extra_data":{"date":"2026-11-27"}}"#;
        check(&[("parameters", swarm)], "SwarmUI", &cat());
        let fooocus = r#"{"adm_guidance":"(1.5, 0.8, 0.3)","base_model":"juggernautXL","guidance_scale":7.5,"negative_prompt":"a dog","performance":"Speed","prompt":"a cat, sitting","resolution":"(512, 768)","sampler":"dpmpp_2m_sde_gpu","seed":"42","steps":20,"version":"Fooocus v2.5"}"#;
        check(&[("fooocus_scheme", "fooocus"), ("parameters", fooocus)], "Fooocus", &cat());
        let novel = r#"{"steps":20,"width":512,"height":768,"scale":7.5,"uc":"a dog","seed":42}"#;
        check(&[("Description", "a cat, sitting"), ("Comment", novel)], "NovelAI", &cat());
    }

    #[test]
    fn other_texts_are_no_settings() {
        for texts in [
            vec![],
            vec![("Title", "holiday")],
            vec![("prompt", "not a graph")],
            vec![("parameters", "{\"some\": \"other tool\"}")],
            vec![("Comment", "{}"), ("Description", "d")],
        ] {
            let texts: Vec<_> =
                texts.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
            assert_eq!(read(&texts), None, "{texts:?}");
        }
    }
}
