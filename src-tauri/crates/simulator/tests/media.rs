//! Embeddings, pictures, sound and the smaller tasks (reference, sections 4 to 7).

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use simulator::{ImageFault, Scenario};
use support::{Bench, bench, json_of};

fn vector(value: &Value) -> Vec<f64> {
    value.as_array().expect("a vector").iter().map(|n| n.as_f64().expect("a number")).collect()
}

fn cosine(a: &Value, b: &Value) -> f64 {
    vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum()
}

#[tokio::test]
async fn embeddings_have_the_models_shape_and_pooling() {
    let bench = bench().await;
    let rows = [
        ("@cf/baai/bge-small-en-v1.5", 384),
        ("@cf/baai/bge-base-en-v1.5", 768),
        ("@cf/baai/bge-large-en-v1.5", 1024),
        ("@cf/baai/bge-m3", 1024),
        ("@cf/google/embeddinggemma-300m", 768),
        ("@cf/qwen/qwen3-embedding-0.6b", 1024),
        ("@cf/pfnet/plamo-embedding-1b", 2048),
    ];
    for (model, dimensions) in rows {
        let (_, body) = bench.run(model, &json!({"text": ["first", "second"]})).await;
        assert_eq!(body["result"]["shape"], json!([2, dimensions]), "{model}");
        let norm = cosine(&body["result"]["data"][0], &body["result"]["data"][0]);
        assert!((norm - 1.0).abs() < 1e-4, "{model} {norm}");
    }
    let (_, body) = bench.run("@cf/baai/bge-base-en-v1.5", &json!({"text": "one", "pooling": "cls"})).await;
    assert_eq!((&body["result"]["shape"], &body["result"]["pooling"]), (&json!([1, 768]), &json!("cls")));
}

#[tokio::test]
async fn batches_and_texts_have_their_limits() {
    let bench = bench().await;
    let texts = |n: usize| json!({"text": vec!["a"; n]});
    let rows = [
        ("@cf/baai/bge-m3", texts(100), 200),
        ("@cf/baai/bge-m3", texts(101), 400),
        ("@cf/qwen/qwen3-embedding-0.6b", texts(32), 200),
        ("@cf/qwen/qwen3-embedding-0.6b", texts(33), 400),
        ("@cf/baai/bge-m3", json!({"text": ""}), 400),
        ("@cf/baai/bge-m3", json!({}), 400),
        ("@cf/baai/bge-base-en-v1.5", json!({"text": "a", "pooling": "max"}), 400),
        ("@cf/baai/bge-base-en-v1.5", json!({"text": "word ".repeat(3000)}), 200),
    ];
    for (model, body, status) in rows {
        let (got, answer) = bench.run(model, &body).await;
        assert_eq!(got, status, "{model}: {answer}");
        if status == 400 {
            assert_eq!(answer["errors"][0]["code"], 5006);
        }
    }
    let long = json!({"text": "word ".repeat(9000)});
    let (_, answer) = bench.run("@cf/baai/bge-m3", &long).await;
    assert_eq!(answer["errors"][0]["code"], 3030);
    assert!(
        answer["errors"][0]["message"].as_str().is_some_and(|text| text.contains("Sequence too long: 90"))
    );
    let (status, _) =
        bench.run("@cf/baai/bge-m3", &json!({"text": "word ".repeat(9000), "truncate_inputs": true})).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn the_sentence_on_python_is_nearest_to_its_question() {
    let bench = bench().await;
    let sentences = [
        "Machine learning lets computers learn patterns from examples.",
        "Python is a popular programming language for data science and analysis.",
        "Cloud computing rents machines by the hour.",
        "A blockchain keeps a ledger that nobody owns alone.",
        "Natural language processing helps computers to understand people.",
    ];
    let (_, documents) = bench.run("@cf/baai/bge-m3", &json!({"text": sentences})).await;
    let (_, query) =
        bench.run("@cf/baai/bge-m3", &json!({"text": "Programming languages for data analysis"})).await;
    let scores: Vec<f64> =
        (0..5).map(|i| cosine(&query["result"]["data"][0], &documents["result"]["data"][i])).collect();
    let best = (0..5).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    assert_eq!(best, Some(1), "{scores:?}");
}

#[tokio::test]
async fn bge_m3_and_qwen_have_sides() {
    let bench = bench().await;
    let contexts = json!([{"text": "a cyberpunk lizard"}, {"text": "a fast cheetah runs"}]);
    let (_, scored) =
        bench.run("@cf/baai/bge-m3", &json!({"query": "which cheetah is fast?", "contexts": contexts})).await;
    let score = |i: usize| scored["result"]["response"][i]["score"].as_f64().expect("a score");
    assert!(score(1) > score(0), "{scored}");
    let (_, vectors) = bench.run("@cf/baai/bge-m3", &json!({"contexts": contexts})).await;
    assert_eq!(vectors["result"]["shape"], json!([2, 1024]));
    assert!(vectors["result"]["response"][0].is_array());
    let (_, qwen) = bench
        .run("@cf/qwen/qwen3-embedding-0.6b", &json!({"queries": "rent", "instruction": "search"}))
        .await;
    assert_eq!(qwen["result"]["shape"], json!([1, 1024]));
}

#[tokio::test]
async fn the_openai_door_embeds_too() {
    let bench = bench().await;
    let body = json!({"model": "@cf/baai/bge-m3", "input": ["one two", "three"]});
    let (_, answer) = json_of(bench.send("ai/v1/embeddings", &body).await).await;
    assert_eq!((&answer["object"], answer["data"][1]["index"].as_u64()), (&json!("list"), Some(1)));
    assert!(answer["usage"]["neurons"].is_null(), "not present for embeddings");
    let body = json!({"model": "@cf/baai/bge-m3", "input": "one two", "encoding_format": "base64"});
    let (_, packed) = json_of(bench.send("ai/v1/embeddings", &body).await).await;
    let bytes = BASE64.decode(packed["data"][0]["embedding"].as_str().expect("text")).expect("base64");
    assert_eq!(bytes.len(), 1024 * 4);
}

#[tokio::test]
async fn the_reranker_scores_by_index() {
    let bench = bench().await;
    let body = json!({"query": "which animal is a fast cheetah?", "top_k": 2,
        "contexts": [{"text": "a cyberpunk lizard"}, {"text": "a cheetah is the fastest animal"}, {"text": "a stone"}]});
    let (_, answer) = bench.run("@cf/baai/bge-reranker-base", &body).await;
    let list = answer["result"]["response"].as_array().expect("a list");
    assert_eq!((list.len(), list[0]["id"].as_u64()), (2, Some(1)));
    assert!(list[0]["score"].as_f64() > list[1]["score"].as_f64() && list[0]["score"].as_f64() < Some(1.0));
}

async fn bytes_of(bench: &Bench, model: &str, body: &Value) -> (String, Vec<u8>) {
    let response = bench.send(&format!("ai/run/{model}"), body).await;
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    (kind, response.bytes().await.expect("a body").to_vec())
}

fn png_of(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::RgbImage::from_pixel(width, height, image::Rgb(colour));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).expect("a buffer");
    bytes
}

#[tokio::test]
async fn flux_schnell_answers_base64_jpeg_and_knows_two_keys() {
    let bench = bench().await;
    let model = "@cf/black-forest-labs/flux-1-schnell";
    let response =
        bench.send(&format!("ai/run/{model}"), &json!({"prompt": "a lighthouse at dusk", "steps": 4})).await;
    assert_eq!(response.headers()["cf-ai-neurons"], "172.8", "as measured");
    let (_, body) = json_of(response).await;
    let bytes = BASE64.decode(body["result"]["image"].as_str().expect("text")).expect("base64");
    assert_eq!(bytes[..3], [0xff, 0xd8, 0xff]);
    let picture = image::load_from_memory(&bytes).expect("a JPEG");
    assert_eq!((picture.width(), picture.height()), (1024, 1024));
    for body in [
        json!({"prompt": "a", "width": 512}),
        json!({"prompt": "a", "num_steps": 4}),
        json!({"prompt": "a", "steps": 9}),
        json!({"prompt": ""}),
        json!({"prompt": "x".repeat(2049)}),
    ] {
        let (status, answer) = bench.run(model, &body).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!(5006)), "{answer}");
    }
    let (status, answer) = bench.run(model, &json!({"prompt": "something NSFW"})).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!(3030)));
}

#[tokio::test]
async fn the_other_families_answer_in_their_own_form() {
    let bench = bench().await;
    let body = json!({"prompt": "a forest", "width": 320, "height": 256, "seed": 7});
    let (kind, bytes) = bytes_of(&bench, "@cf/stabilityai/stable-diffusion-xl-base-1.0", &body).await;
    assert_eq!(kind, "image/png");
    let picture = image::load_from_memory(&bytes).expect("a PNG");
    assert_eq!((picture.width(), picture.height()), (320, 256));
    let (_, again) = bytes_of(&bench, "@cf/stabilityai/stable-diffusion-xl-base-1.0", &body).await;
    assert_eq!(bytes, again, "equal seeds give equal bytes");
    let mut other = body.clone();
    other["seed"] = json!(8);
    assert_ne!(bytes, bytes_of(&bench, "@cf/stabilityai/stable-diffusion-xl-base-1.0", &other).await.1);
    let (kind, _) = bytes_of(&bench, "@cf/leonardo/phoenix-1.0", &body).await;
    assert_eq!(kind, "image/jpeg");
    let (_, lucid) =
        bench.run("@cf/leonardo/lucid-origin", &json!({"prompt": "a forest", "num_steps": 10})).await;
    let bytes = BASE64.decode(lucid["result"]["image"].as_str().expect("text")).expect("base64");
    assert_eq!(image::load_from_memory(&bytes).expect("a picture").width(), 1120);
    for bad in [
        json!({"prompt": "a", "num_steps": 21}),
        json!({"prompt": "a", "width": 100}),
        json!({"prompt": "a", "nonsense": 1}),
    ] {
        assert_eq!(bench.run("@cf/lykon/dreamshaper-8-lcm", &bad).await.0, 400, "{bad}");
    }
    let seen = bench.simulator.requests();
    assert!(seen.iter().all(|request| !request.closed_early), "what was read to its end was not hung up on");
}

#[tokio::test]
async fn flux_2_wants_multipart_and_small_references() {
    let bench = bench().await;
    let model = "ai/run/@cf/black-forest-labs/flux-2-klein-4b";
    assert_eq!(bench.send(model, &json!({"prompt": "a"})).await.status(), 400, "JSON is refused");
    let form = |side: u32| {
        Form::new()
            .text("prompt", "a lighthouse at dusk")
            .text("width", "512")
            .text("height", "256")
            .part("input_image_0", Part::bytes(png_of(side, side, [10, 200, 10])).file_name("a.png"))
    };
    let (status, body) =
        json_of(bench.post(model).multipart(form(100)).send().await.expect("an answer")).await;
    assert_eq!(status, 200, "{body}");
    let bytes = BASE64.decode(body["result"]["image"].as_str().expect("text")).expect("base64");
    let picture = image::load_from_memory(&bytes).expect("a picture").to_rgb8();
    assert_eq!((picture.width(), picture.height()), (512, 256));
    let [r, g, _] = picture.get_pixel(40, 256 - 60).0;
    assert!(g > r.saturating_add(60), "the reference shows: {r} {g}");
    let (status, _) = json_of(bench.post(model).multipart(form(600)).send().await.expect("an answer")).await;
    assert_eq!(status, 400, "references stay below 512x512");
    let (status, _) =
        json_of(bench.post(model).multipart(form(100).text("steps", "8")).send().await.expect("an answer"))
            .await;
    assert_eq!(status, 400, "its steps are fixed");
}

#[tokio::test]
async fn a_mask_keeps_what_is_black() {
    let bench = bench().await;
    let start = png_of(256, 256, [250, 0, 0]);
    let mut mask = image::RgbImage::new(256, 256);
    for (x, _, pixel) in mask.enumerate_pixels_mut() {
        pixel.0 = if x < 128 { [255; 3] } else { [0; 3] };
    }
    let mut mask_bytes = Vec::new();
    mask.write_to(&mut std::io::Cursor::new(&mut mask_bytes), image::ImageFormat::Png).expect("a buffer");
    let body = json!({"prompt": "a blue sea", "image_b64": BASE64.encode(&start), "mask": mask_bytes, "width": 256, "height": 256});
    let (_, bytes) = bytes_of(&bench, "@cf/runwayml/stable-diffusion-v1-5-inpainting", &body).await;
    let picture = image::load_from_memory(&bytes).expect("a PNG").to_rgb8();
    assert_eq!(picture.get_pixel(200, 100).0, [250, 0, 0], "black is kept");
    assert_ne!(picture.get_pixel(50, 100).0, [250, 0, 0], "white is painted");
    let (status, _) = bench.run("@cf/runwayml/stable-diffusion-v1-5-img2img", &json!({"prompt": "a"})).await;
    assert_eq!(status, 400, "it needs a picture");
}

#[tokio::test]
async fn pictures_can_be_damaged_in_every_way() {
    let bench = bench().await;
    let body = json!({"prompt": "a"});
    let flux = "@cf/black-forest-labs/flux-1-schnell";
    let text = async |fault| {
        bench.simulator.set_scenario(Scenario::image(fault));
        bench.run(flux, &body).await.1["result"]["image"].as_str().expect("text").to_owned()
    };
    let half = text(ImageFault::Truncated).await;
    let half = BASE64.decode(&half[..half.len() / 4 * 4]).expect("base64");
    assert!(half.starts_with(&[0xff, 0xd8]) && !half.ends_with(&[0xff, 0xd9]), "a JPEG without its end");
    assert!(BASE64.decode(text(ImageFault::BadAlphabet).await).is_err());
    let spaced = text(ImageFault::Whitespace).await;
    assert!(spaced.contains("\r\n") && BASE64.decode(spaced.split_whitespace().collect::<String>()).is_ok());
    assert!(text(ImageFault::DataUri).await.starts_with("data:image/png;base64,"));
    assert_eq!(text(ImageFault::Empty).await, "");
    assert!(BASE64.decode(text(ImageFault::Svg).await).expect("base64").starts_with(b"<svg"));
    assert!(text(ImageFault::Huge).await.len() > 80 << 20);
    bench.simulator.set_scenario(Scenario::image(ImageFault::JsonError));
    let (kind, bytes) = bytes_of(&bench, "@cf/lykon/dreamshaper-8-lcm", &body).await;
    assert!(kind == "image/png" && bytes.starts_with(b"{"));
    bench.simulator.set_scenario(Scenario::image(ImageFault::WrongType));
    assert_eq!(bytes_of(&bench, "@cf/lykon/dreamshaper-8-lcm", &body).await.0, "text/plain");
    bench.simulator.set_scenario(Scenario::image(ImageFault::OtherForm));
    assert_eq!(bytes_of(&bench, flux, &body).await.0, "image/jpeg");
}

async fn raw(bench: &Bench, model: &str, kind: &str, bytes: Vec<u8>) -> (u16, Value) {
    let request = bench.post(&format!("ai/run/{model}")).header("content-type", kind).body(bytes);
    json_of(request.send().await.expect("an answer")).await
}

#[tokio::test]
async fn speech_goes_out_and_comes_back() {
    let bench = bench().await;
    let (_, spoken) =
        bench.run("@cf/myshell-ai/melotts", &json!({"prompt": "Hello there", "lang": "en"})).await;
    let wav = BASE64.decode(spoken["result"]["audio"].as_str().expect("text")).expect("base64");
    assert_eq!((&wav[..4], &wav[8..12]), (b"RIFF".as_slice(), b"WAVE".as_slice()));
    let seconds = (wav.len() - 44) as f64 / 88_200.0;
    let (_, whisper) = raw(&bench, "@cf/openai/whisper", "audio/wav", wav.clone()).await;
    assert!(whisper["result"]["text"].as_str().is_some_and(|text| text.contains("simulated transcript")));
    assert!(whisper["result"]["vtt"].as_str().is_some_and(|vtt| vtt.starts_with("WEBVTT")));
    let (_, turbo) = bench
        .run("@cf/openai/whisper-large-v3-turbo", &json!({"audio": BASE64.encode(&wav), "language": "zh"}))
        .await;
    let duration = turbo["result"]["transcription_info"]["duration"].as_f64().expect("seconds");
    assert!((duration - seconds).abs() < 0.01);
    assert!(turbo["result"]["segments"][0]["words"][0]["end"].is_f64());
    assert!(turbo["result"]["text"].as_str().is_some_and(|text| text.contains("模拟")));
    let (_, nova) = raw(&bench, "@cf/deepgram/nova-3", "audio/wav", wav).await;
    assert!(nova["result"]["results"]["channels"][0]["alternatives"][0]["transcript"].is_string());
    let (status, noise) =
        raw(&bench, "@cf/openai/whisper", "application/octet-stream", b"noise".to_vec()).await;
    assert_eq!((status, &noise["errors"][0]["code"]), (400, &json!(8001)));
    let (_, noise) = raw(&bench, "@cf/deepgram/nova-3", "audio/wav", b"noise".to_vec()).await;
    assert_eq!(noise["errors"][0]["code"], 3030);
}

#[tokio::test]
async fn aura_answers_raw_mp3_or_wav() {
    let bench = bench().await;
    let (kind, mp3) = bytes_of(
        &bench,
        "@cf/deepgram/aura-1",
        &json!({"text": "Hello", "speaker": "angus", "encoding": "mp3"}),
    )
    .await;
    assert_eq!((kind.as_str(), &mp3[..2]), ("audio/mpeg", [0xff, 0xf3].as_slice()));
    let (kind, wav) = bytes_of(
        &bench,
        "@cf/deepgram/aura-2-en",
        &json!({"text": "Hello", "encoding": "linear16", "container": "wav"}),
    )
    .await;
    assert_eq!((kind.as_str(), &wav[..4]), ("audio/wav", b"RIFF".as_slice()));
    assert_eq!(bench.run("@cf/deepgram/aura-2-es", &json!({"text": "Hola", "speaker": "zeus"})).await.0, 400);
}

#[tokio::test]
async fn the_smaller_tasks_answer_in_their_shapes() {
    let bench = bench().await;
    let result = async |model: &str, body: Value| bench.run(model, &body).await.1["result"].clone();
    let french =
        result("@cf/meta/m2m100-1.2b", json!({"text": "Hello", "source_lang": "en", "target_lang": "fr"}))
            .await;
    assert_eq!(french["translated_text"], "Bonjour");
    let indic = result(
        "@cf/ai4bharat/indictrans2-en-indic-1B",
        json!({"text": ["a", "b"], "target_language": "hin_Deva"}),
    )
    .await;
    assert_eq!(indic["translations"].as_array().map(Vec::len), Some(2));
    let mood = result("@cf/huggingface/distilbert-sst-2-int8", json!({"text": "I love it"})).await;
    assert!(mood[1]["score"].as_f64() > Some(0.9), "{mood}");
    let picture = png_of(20, 10, [10, 20, 200]);
    let llava = result("@cf/llava-hf/llava-1.5-7b-hf", json!({"image": picture, "prompt": "Describe"})).await;
    assert!(llava["description"].as_str().is_some_and(|text| text.contains("20 by 10")));
    let uri = format!("data:image/png;base64,{}", BASE64.encode(&picture));
    let moon = result(
        "@cf/moondream/moondream3.1-9B-A2B",
        json!({"image": uri, "question": "What?", "stream": false}),
    )
    .await;
    assert!(moon["answer"].is_string() && moon["caption"].is_null());
    let stream = bench
        .stream("ai/run/@cf/moondream/moondream3.1-9B-A2B", &json!({"image": uri, "task": "caption"}))
        .await;
    assert!(
        stream.contains("\"caption\"") && stream.ends_with("[DONE]\n\n"),
        "it streams unless told not to"
    );
    let (_, classes) =
        raw(&bench, "@cf/microsoft/resnet-50", "application/octet-stream", picture.clone()).await;
    assert!(classes["result"][0]["label"].is_string());
    let (_, boxes) = raw(&bench, "@cf/facebook/detr-resnet-50", "application/octet-stream", picture).await;
    assert_eq!(boxes["result"][0]["box"]["xmin"], 5);
    let turn = result("@cf/pipecat-ai/smart-turn-v2", json!({"audio": "AAAA", "dtype": "uint8"})).await;
    assert!(turn["is_complete"].is_boolean());
}

#[tokio::test]
async fn files_become_markdown_and_fail_one_by_one() {
    let bench = bench().await;
    let file = |name: &str, bytes: &'static [u8]| Part::bytes(bytes).file_name(name.to_owned());
    let form = Form::new()
        .part(
            "files",
            file(
                "page.html",
                b"<html><title>x</title><h1>Report</h1><script>no()</script><p>Good &amp; well</p></html>",
            ),
        )
        .part("files", file("table.csv", b"a,b\n1,2\n"))
        .part("files", file("broken.docx", b"not a zip"))
        .part("files", file("report.pdf", b"%PDF-1.4"))
        .part("files", file("song.mp3", b"ID3"));
    let (status, body) =
        json_of(bench.post("ai/tomarkdown").multipart(form).send().await.expect("an answer")).await;
    assert_eq!((status, &body["success"]), (200, &json!(true)));
    let list = body["result"].as_array().expect("a list");
    let formats: Vec<&str> = list.iter().filter_map(|entry| entry["format"].as_str()).collect();
    assert_eq!(formats, ["markdown", "markdown", "error", "markdown", "error"]);
    assert_eq!(list[0]["data"], "# Report\n\nGood & well");
    assert!(list[1]["data"].as_str().is_some_and(|text| text.contains("| 1 | 2 |")));
    assert!(list[3]["data"].as_str().is_some_and(|text| text.contains("simulated")));
    let (_, supported) = bench.get_below_account("ai/tomarkdown/supported").await;
    assert!(
        supported["result"]
            .as_array()
            .is_some_and(|list| list.iter().any(|entry| entry["extension"] == ".pdf"))
    );
}
