//! An API server that answers what a look at a cluster asks, and nothing else.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

/// An API server with these nodes, which lives as long as the test program.
pub(crate) fn serve(nodes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream.unwrap(), nodes));
        }
    });
    port
}

fn answer(stream: TcpStream, nodes: usize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let (mut request, mut line, mut length) = (String::new(), String::new(), 0);
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
        while reader.read_line(&mut line).unwrap_or(0) > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let _ = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink());
        let path = request.split_whitespace().nth(1).unwrap().split('?').next().unwrap();
        let node = |at| {
            format!(
                r#"{{"metadata":{{"name":"node-{at}"}},"status":{{"conditions":[{{"type":"Ready","status":"True","lastHeartbeatTime":null,"lastTransitionTime":null}}]}}}}"#
            )
        };
        let list = |items: &str| format!(r#"{{"metadata":{{}},"items":[{items}]}}"#);
        let (status, body) = match path {
            "/version" => (
                "200 OK",
                r#"{"major":"1","minor":"37","gitVersion":"v1.37.2","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#
                    .to_owned(),
            ),
            "/api/v1/nodes" => ("200 OK", list(&(0..nodes).map(node).collect::<Vec<_>>().join(","))),
            "/api/v1/namespaces/kube-system" => {
                ("200 OK", r#"{"metadata":{"name":"kube-system","uid":"the-cluster"}}"#.to_owned())
            }
            "/api/v1/namespaces" => ("200 OK", list("")),
            _ => (
                "404 Not Found",
                r#"{"kind":"Status","status":"Failure","message":"no","reason":"NotFound","code":404}"#.to_owned(),
            ),
        };
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}
