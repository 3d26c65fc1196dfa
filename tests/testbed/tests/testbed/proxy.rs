//! Bad links.

use std::time::{Duration, Instant};

use keyward_testbed::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A server that sends back what it gets.
async fn echo() -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    (address, task)
}

async fn said_back(stream: &mut TcpStream, word: &[u8]) -> bool {
    let mut back = vec![0; word.len()];
    stream.write_all(word).await.is_ok() && stream.read_exact(&mut back).await.is_ok() && back == word
}

#[tokio::test]
async fn a_link_can_be_slow_dead_cut_and_good_again() {
    let (target, _task) = echo().await;
    let proxy = Proxy::start(&target).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let large: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let (mut read, mut write) = stream.split();
    let mut back = vec![0; large.len()];
    let (sent, got) = tokio::join!(write.write_all(&large), read.read_exact(&mut back));
    assert!(sent.is_ok() && got.is_ok() && back == large, "every byte arrives in order");

    proxy.delay(100);
    let start = Instant::now();
    assert!(said_back(&mut stream, b"slow").await);
    assert!(start.elapsed() >= Duration::from_millis(200), "both directions are held back");

    proxy.blackhole();
    stream.write_all(b"lost?").await.unwrap();
    let mut back = [0; 5];
    assert!(timeout(Duration::from_millis(300), stream.read_exact(&mut back)).await.is_err(), "nothing comes");
    let mut newcomer = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(timeout(Duration::from_millis(300), said_back(&mut newcomer, b"me")).await.is_err());
    proxy.resume();
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"lost?", "what was held back arrives");

    proxy.refuse();
    assert!(!said_back(&mut stream, b"cut").await);
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(!said_back(&mut refused, b"no").await);
    proxy.resume();
    let mut again = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(said_back(&mut again, b"yes").await);
}
