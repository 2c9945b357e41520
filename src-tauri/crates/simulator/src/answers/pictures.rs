//! Pictures in a request: really decoded, so that an answer can name their measures and mean colour.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::errors::Refusal;

/// A picture's measures and its mean colour.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) mean: [u8; 3],
}

impl Picture {
    /// From base64 or a `data:` URI.
    pub(crate) fn of_text(text: &str) -> Result<Self, Refusal> {
        Self::of_bytes(&bytes_of_text(text)?)
    }

    /// From text or an array of bytes.
    pub(crate) fn of_value(value: &Value) -> Result<Self, Refusal> {
        Self::of_bytes(&bytes_of_value(value)?)
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        let picture = decoded(bytes)?.to_rgb8();
        let count = u64::from(picture.width()) * u64::from(picture.height());
        let mut sums = [0_u64; 3];
        for pixel in picture.pixels() {
            for (sum, value) in sums.iter_mut().zip(pixel.0) {
                *sum += u64::from(value);
            }
        }
        let mean = sums.map(|sum| (sum / count.max(1)) as u8);
        Ok(Picture { width: picture.width(), height: picture.height(), mean })
    }

    fn colour_name(&self) -> (&'static str, &'static str) {
        let [r, g, b] = self.mean.map(i32::from);
        let (high, low) = (r.max(g).max(b), r.min(g).min(b));
        match () {
            () if high - low < 24 && high < 64 => ("nearly black", "近黑色"),
            () if high - low < 24 && low > 192 => ("nearly white", "近白色"),
            () if high - low < 24 => ("grey", "灰色"),
            () if r == high && g > b + 40 => ("yellow to orange", "黄橙色"),
            () if r == high && b > g + 40 => ("magenta", "品红色"),
            () if r == high => ("red", "红色"),
            () if g == high && b > r + 40 => ("cyan", "青色"),
            () if g == high => ("green", "绿色"),
            () if r > g + 40 => ("violet", "紫色"),
            () => ("blue", "蓝色"),
        }
    }
}

/// The decoded picture under limits.
pub(crate) fn decoded(bytes: &[u8]) -> Result<image::DynamicImage, Refusal> {
    let unreadable =
        |_| Refusal::saying("invalid_input", "AiError: Invalid input: the image cannot be decoded");
    let mut reader = image::ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(image::ImageError::IoError)
        .map_err(unreadable)?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(256 << 20);
    limits.max_image_width = Some(16_384);
    limits.max_image_height = Some(16_384);
    reader.limits(limits);
    reader.decode().map_err(unreadable)
}

/// The bytes in base64 text, with or without a `data:` prefix.
pub(crate) fn bytes_of_text(text: &str) -> Result<Vec<u8>, Refusal> {
    let encoded =
        if text.starts_with("data:") { text.split_once(',').map_or("", |(_, data)| data) } else { text };
    BASE64.decode(encoded.trim()).map_err(|_| Refusal::named("invalid_base64"))
}

/// The bytes of text, or of an array of numbers 0 to 255.
pub(crate) fn bytes_of_value(value: &Value) -> Result<Vec<u8>, Refusal> {
    match value {
        Value::String(text) => bytes_of_text(text),
        Value::Array(numbers) => {
            let byte = |n: &Value| n.as_u64().and_then(|n| u8::try_from(n).ok());
            numbers
                .iter()
                .map(byte)
                .collect::<Option<Vec<u8>>>()
                .ok_or_else(|| Refusal::schema("bytes are 0 to 255"))
        }
        _ => Err(Refusal::schema("a picture is base64 text or an array of bytes")),
    }
}

/// An answer about attached pictures.
pub(crate) fn described(pictures: &[Picture], said: &str, chinese: bool) -> String {
    let line = |(i, picture): (usize, &Picture)| {
        let ([r, g, b], (english, han)) = (picture.mean, picture.colour_name());
        let (w, h) = (picture.width, picture.height);
        if chinese {
            format!("\n| {} | {w} × {h} 像素 | `#{r:02x}{g:02x}{b:02x}`，{han} |", i + 1)
        } else {
            format!("\n| {} | {w} × {h} pixels | `#{r:02x}{g:02x}{b:02x}`, {english} |", i + 1)
        }
    };
    let rows: String = pictures.iter().enumerate().map(line).collect();
    let asked: String = said.chars().take(160).collect::<String>().replace('\n', " ");
    if chinese {
        format!(
            "这是模拟回答：没有模型看过图片，但它们确实被解码了。\n\n| 图片 | 尺寸 | 平均颜色 |\n|---|---|---|{rows}\n\n你问的是：\n\n> {asked}"
        )
    } else {
        format!(
            "This is a simulated answer: no model looked at the pictures, but they were really decoded.\n\n\
             | Picture | Size | Mean colour |\n|---|---|---|{rows}\n\nYou asked:\n\n> {asked}"
        )
    }
}
