//! What the measurements need: a server that knows when it wrote each token, and the figures of processes.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The value below which this share of the figures lies. Sorts them; 0 for none.
pub fn percentile(figures: &mut [f64], share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    figures.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}

/// Milliseconds since 1970, with fractions: the clock of the page and of this process alike.
pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1_000.0
}

/// A process and all that descend from it.
pub struct Processes(Vec<u32>);

impl Processes {
    /// The process with this id, and its descendants now.
    pub fn of(root: u32) -> Self {
        let mut all = vec![root];
        let mut next = 0;
        while let Some(parent) = all.get(next).copied() {
            next += 1;
            let Ok(tasks) = std::fs::read_dir(format!("/proc/{parent}/task")) else { continue };
            for task in tasks.flatten() {
                let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
                all.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
            }
        }
        Self(all)
    }

    /// Proportional set size of all, in MiB.
    pub fn pss_mib(&self) -> Result<f64> {
        let mut kib = 0.0;
        for id in &self.0 {
            let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
            let line =
                rollup.lines().find(|line| line.starts_with("Pss:")).context("a process tells its Pss")?;
            kib += line.split_whitespace().nth(1).context("a figure")?.parse::<f64>()?;
        }
        Ok(kib / 1_024.0)
    }

    /// How often the threads of the first process woke so far: each time one went to sleep by itself.
    pub fn wakeups(&self) -> u64 {
        let Some(root) = self.0.first() else { return 0 };
        let tasks = std::fs::read_dir(format!("/proc/{root}/task")).into_iter().flatten().flatten();
        tasks
            .filter_map(|task| {
                let status = std::fs::read_to_string(task.path().join("status")).ok()?;
                let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
                line.split_whitespace().nth(1)?.parse::<u64>().ok()
            })
            .sum()
    }

    /// Processor time of all so far, in milliseconds (ticks of 10 ms).
    pub fn cpu_ms(&self) -> f64 {
        let ticks = |id: &u32| -> Option<f64> {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let rest = stat.rsplit(") ").next()?;
            let fields: Vec<&str> = rest.split(' ').collect();
            Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
        };
        self.0.iter().filter_map(ticks).sum::<f64>() * 10.0
    }
}

/// What processes do while nobody touches them.
pub struct Idle {
    /// Processor time of all, in milliseconds.
    pub cpu_ms: f64,
    /// How often threads of the first process woke.
    pub wakeups: f64,
}

impl Idle {
    /// Watches processes for a while.
    pub fn of(processes: &Processes, span: Duration) -> Self {
        let (cpu, wakeups) = (processes.cpu_ms(), processes.wakeups());
        std::thread::sleep(span);
        Self { cpu_ms: processes.cpu_ms() - cpu, wakeups: processes.wakeups().saturating_sub(wakeups) as f64 }
    }
}

/// Answers every chat request with tokens at a steady rate, and knows when it wrote each.
pub struct TokenServer {
    address: std::net::SocketAddr,
    sent: Arc<Mutex<Vec<f64>>>,
}

impl TokenServer {
    /// Starts it on a free port.
    pub async fn start(
        tokens: usize,
        per_second: f64,
        text: impl Fn(usize) -> String + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let sent = Arc::new(Mutex::new(Vec::new()));
        let text = Arc::new(text);
        let record = sent.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (text, record) = (text.clone(), record.clone());
                tokio::spawn(async move {
                    // A client that leaves ends its own connection; there is nobody to tell.
                    let _ = serve(socket, tokens, per_second, &*text, &record).await;
                });
            }
        });
        Ok(Self { address, sent })
    }

    /// Stands for Cloudflare's address.
    pub fn base_url(&self) -> String {
        format!("http://{}/client/v4", self.address)
    }

    /// When each token of the last streamed answer was written.
    pub fn sent(&self) -> Vec<f64> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(
    mut socket: TcpStream,
    tokens: usize,
    per_second: f64,
    text: &(dyn Fn(usize) -> String + Send + Sync),
    record: &Mutex<Vec<f64>>,
) -> Result<()> {
    socket.set_nodelay(true)?;
    let request = read_request(&mut socket).await?;
    if !request.contains("\"stream\":true") {
        return answer(&mut socket, json!([])).await;
    }
    record.lock().unwrap_or_else(PoisonError::into_inner).clear();
    socket
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        .await?;
    let begun = tokio::time::Instant::now();
    for n in 0..tokens {
        tokio::time::sleep_until(begun + Duration::from_secs_f64(n as f64 / per_second)).await;
        let event =
            json!({ "choices": [{ "index": 0, "delta": { "content": text(n) }, "finish_reason": null }] });
        record.lock().unwrap_or_else(PoisonError::into_inner).push(now_ms());
        socket.write_all(format!("data: {event}\n\n").as_bytes()).await?;
    }
    socket.write_all(b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n").await?;
    Ok(())
}

/// A whole answer in Cloudflare's envelope.
async fn answer(socket: &mut TcpStream, result: Value) -> Result<()> {
    let body = json!({ "result": result, "success": true, "errors": [], "messages": [] }).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await?;
    Ok(socket.write_all(body.as_bytes()).await?)
}

/// Answers every request for a picture with the same JPEG of 1024 by 1024, and knows when its last byte was written.
pub struct PictureServer {
    address: std::net::SocketAddr,
    picture: Arc<Vec<u8>>,
    sent: Arc<Mutex<Option<f64>>>,
}

impl PictureServer {
    /// Starts it on a free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let picture = Arc::new(painted()?);
        let sent = Arc::new(Mutex::new(None));
        let (body, record) = (picture.clone(), sent.clone());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (body, record) = (body.clone(), record.clone());
                tokio::spawn(async move {
                    let request = read_request(&mut socket).await?;
                    if !request.starts_with("POST") {
                        return answer(&mut socket, json!([])).await;
                    }
                    // Time for the window to show that it waits, as in life.
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    answer(&mut socket, json!({ "image": BASE64.encode(&*body) })).await?;
                    *record.lock().unwrap_or_else(PoisonError::into_inner) = Some(now_ms());
                    Ok(())
                });
            }
        });
        Ok(Self { address, picture, sent })
    }

    /// Stands for Cloudflare's address.
    pub fn base_url(&self) -> String {
        format!("http://{}/client/v4", self.address)
    }

    /// The picture's bytes.
    pub fn picture(&self) -> &[u8] {
        &self.picture
    }

    /// When the last byte of the last picture was written.
    pub fn sent(&self) -> Option<f64> {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waves of colour with some grain: about as many bytes as a model's picture.
fn painted() -> Result<Vec<u8>> {
    let picture = image::RgbImage::from_fn(1024, 1024, |x, y| {
        let grain = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)).rotate_left(13) % 24;
        let wave = |step: f32, at: u32| ((at as f32 / step).sin() * 90.0 + 120.0) as u8;
        let shade = |value: u8| value.saturating_add(grain as u8);
        image::Rgb([shade(wave(61.0, x)), shade(wave(97.0, y)), shade(wave(43.0, x + y))])
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 88).encode_image(&picture)?;
    Ok(bytes)
}

async fn read_request(socket: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16_384];
    loop {
        let read = socket.read(&mut piece).await?;
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length:")
                        .map(|value| value.trim().to_owned())
                })
                .and_then(|value| value.parse::<usize>().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Ok(text);
            }
        }
        if read == 0 {
            return Ok(text);
        }
    }
}

/// A conversation of so many messages in the form of ChatGPT's export.
pub fn chatgpt_export(messages: usize) -> Value {
    let mut mapping = serde_json::Map::new();
    for n in 0..messages {
        let (role, text) = if n % 2 == 0 {
            ("user", format!("Question {n}: what is an edge?"))
        } else {
            (
                "assistant",
                format!(
                    "Answer {n}.\n\nAn **edge** is where two things meet:\n\n- one side\n- the other side\n\n```rust\nlet edge = {n};\n```\n\nThat is all there is to say about number {n}."
                ),
            )
        };
        let parent = n.checked_sub(1).map(|n| format!("m{n}"));
        let children = if n + 1 < messages { vec![format!("m{}", n + 1)] } else { vec![] };
        mapping.insert(
            format!("m{n}"),
            json!({ "id": format!("m{n}"), "parent": parent, "children": children,
                "message": { "id": format!("m{n}"), "author": { "role": role }, "create_time": 1_790_000_000.0 + n as f64,
                    "content": { "content_type": "text", "parts": [text] } } }),
        );
    }
    let last = format!("m{}", messages.saturating_sub(1));
    json!([{ "id": format!("long-{messages}"), "conversation_id": format!("long-{messages}"), "title": format!("Long {messages} messages"),
        "create_time": 1_790_000_000.0, "update_time": 1_790_100_000.0, "current_node": last, "mapping": mapping }])
}
