//! What is to be reached.

use std::fmt;

use super::ReachError;

/// A Service or a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    Pod,
}

impl Target {
    /// Reads `web`, `service/web`, `web.namespace` or `pod/web-0`.
    pub(crate) fn new(text: &str, namespace: Option<&str>) -> Result<Self, ReachError> {
        let (kind, name) = match text.split_once('/') {
            None => (Kind::Service, text),
            Some(("service" | "svc", name)) => (Kind::Service, name),
            Some(("pod", name)) => (Kind::Pod, name),
            Some(_) => return Err(ReachError::Target { text: text.to_owned() }),
        };
        // A Service's name has no dots, unlike a pod's.
        let (name, own) = match (kind, name.split_once('.')) {
            (Kind::Service, Some((name, namespace))) => (name, Some(namespace)),
            _ => (name, None),
        };
        let allowed = |part: &str| !part.is_empty() && !part.contains(['/', ':', ' ']);
        if !allowed(name) || !own.is_none_or(|own| allowed(own) && !own.contains('.')) {
            return Err(ReachError::Target { text: text.to_owned() });
        }
        let namespace = own.or(namespace).ok_or_else(|| ReachError::NoNamespace { target: text.to_owned() })?;
        Ok(Self { kind, namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Service => "Service",
            Kind::Pod => "pod",
        };
        write!(f, "{kind} {}/{}", self.namespace, self.name)
    }
}

/// A port, by its number or its name. A `u16` and a `&str` are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// Its number: a Service's own, not the one of its pods.
    Number(u16),
    /// Its name.
    Name(String),
}

impl From<u16> for Port {
    fn from(number: u16) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Port {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}
