//! A TCP stream that can be told to end with a reset instead of a polite close.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The switches of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fuse(Arc<Switches>);

#[derive(Debug, Default)]
struct Switches {
    blown: AtomicBool,
    muted: AtomicBool,
}

impl Fuse {
    /// From now on the connection ends with RST.
    pub(crate) fn blow(&self) {
        self.0.blown.store(true, Ordering::SeqCst);
    }

    /// From now on nothing can be written: the next write ends the connection.
    pub(crate) fn mute(&self) {
        self.0.muted.store(true, Ordering::SeqCst);
    }

    fn is_blown(&self) -> bool {
        self.0.blown.load(Ordering::SeqCst)
    }

    fn is_muted(&self) -> bool {
        self.0.muted.load(Ordering::SeqCst)
    }
}

/// The stream with its switch.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    fuse: Fuse,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, fuse: Fuse) -> Self {
        Socket { stream, fuse }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.fuse.is_blown() {
            // A linger of zero makes the kernel drop the connection with RST. If it is gone already, so be it.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.fuse.is_muted() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.fuse.is_blown() {
            // A FIN here would reach the client before the reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
