//! Whether a value or an answer is as a document says. For tests alone, so no function links it.
//!
//! It understands the part of JSON Schema 2020-12 that the documents use; a keyword it does not know is a fault, so
//! that none is passed over. Stricter than JSON Schema in one point: a field that no schema names is a fault unless
//! `additionalProperties` is true. Clients must take such fields; our own code must not invent them.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::{Map, Value};

/// One of the two documents.
#[derive(Debug, Clone)]
pub struct Document {
    root: Value,
    /// Compiled once: a test may ask ten thousand times.
    patterns: BTreeMap<String, Regex>,
}

/// An answer as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The method of the call, upper case.
    pub method: &'a str,
    /// The path of the call, without a query.
    pub path: &'a str,
    /// The status.
    pub status: u16,
    /// The content type; empty when there is none.
    pub content_type: &'a str,
    /// The body; empty when there is none.
    pub body: &'a str,
}

impl Document {
    /// The agents' API.
    pub fn agents() -> Self {
        Self::read(super::AGENTS)
    }

    /// The reviewers' API.
    pub fn reviewers() -> Self {
        Self::read(super::REVIEWERS)
    }

    fn read(text: &str) -> Self {
        // What is no JSON has no paths, and no answer is as it says.
        let root: Value = serde_json::from_str(text).unwrap_or_default();
        let mut patterns = BTreeMap::new();
        compile(&root, &mut patterns);
        Self { root, patterns }
    }

    /// All of it.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The schema of this name; null when there is none.
    pub fn schema(&self, name: &str) -> &Value {
        &self.root["components"]["schemas"][name]
    }

    /// The node itself, or what its `$ref` leads to; null when it leads nowhere.
    pub fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.root.pointer(pointer).map_or(&Value::Null, |found| self.resolve(found)),
            None => node,
        }
    }

    /// Every operation: method in upper case, path, and the operation.
    pub fn operations(&self) -> impl Iterator<Item = (String, &str, &Value)> {
        let paths = self.root["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
        })
    }

    /// What is wrong with an answer. Empty = it is as the document says.
    pub fn answer(&self, seen: &Seen<'_>) -> Vec<String> {
        let called = |method: &str, path: &str| method == seen.method && leads_to(path, seen.path);
        let Some((_, _, operation)) = self.operations().find(|(method, path, _)| called(method, path)) else {
            return vec![format!("{} {} is in no path of the document", seen.method, seen.path)];
        };
        let response = self.resolve(&operation["responses"][seen.status.to_string().as_str()]);
        if response.is_null() {
            return vec![format!("the status {} is not among the operation's", seen.status)];
        }
        let media = seen.content_type.split(';').next().unwrap_or_default().trim();
        let may_be_empty = response["content"].is_null() || response["x-may-be-empty"] == true;
        match response["content"].get(media) {
            None if seen.body.is_empty() && may_be_empty => Vec::new(),
            None => vec![format!("{media:?} is not among the content types of {}", seen.status)],
            Some(_) if media == "text/plain" => Vec::new(),
            Some(content) => match serde_json::from_str(seen.body) {
                Ok(body) => self.faults(&content["schema"], &body),
                Err(error) => vec![format!("the body is no JSON: {error}")],
            },
        }
    }

    /// What is wrong with a value under a schema, with the places. Empty = it fits.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.node(schema, value, "", &mut faults);
        faults
    }

    /// One value with all that it holds.
    fn node(&self, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
        self.assertions(schema, value, place, faults);
        if let (Value::Object(object), false) = (value, self.is_open(schema, value)) {
            let mut known = BTreeSet::new();
            self.named(schema, value, &mut known);
            let unknown = object.keys().filter(|name| !known.contains(name.as_str()));
            faults.extend(unknown.map(|name| format!("{place}/{name}: no schema names this field")));
        }
    }

    /// What the schema says of this value, whatever other schemas say of it.
    fn assertions(&self, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
        let Some(keywords) = schema.as_object() else {
            faults.push(format!("{place}: there is no schema"));
            return;
        };
        for (keyword, wanted) in keywords {
            if let Some(fault) = self.fault(keyword, wanted, value) {
                faults.push(format!("{place}: {fault}"));
            }
            match (keyword.as_str(), value) {
                ("$ref", _) => self.assertions(self.resolve(schema), value, place, faults),
                ("allOf", _) => {
                    for part in wanted.as_array().into_iter().flatten() {
                        self.assertions(part, value, place, faults);
                    }
                }
                ("anyOf" | "oneOf", _) => {
                    let fitting = self.fitting(wanted, value);
                    if fitting == 0 || (keyword == "oneOf" && fitting > 1) {
                        faults.push(format!("{place}: {fitting} of {keyword} fit"));
                    }
                }
                ("properties", Value::Object(object)) => {
                    for (name, inner) in wanted.as_object().into_iter().flatten() {
                        if let Some(value) = object.get(name) {
                            self.node(inner, value, &format!("{place}/{name}"), faults);
                        }
                    }
                }
                ("items", Value::Array(items)) => {
                    for (i, item) in items.iter().enumerate() {
                        self.node(wanted, item, &format!("{place}/{i}"), faults);
                    }
                }
                _ => {}
            }
        }
    }

    /// How many of the schemas fit the value.
    fn fitting(&self, schemas: &Value, value: &Value) -> usize {
        let fits = |schema: &&Value| self.faults(schema, value).is_empty();
        schemas.as_array().into_iter().flatten().filter(fits).count()
    }

    /// The schema, and those it is put together from as far as they fit the value.
    fn parts<'a>(&'a self, schema: &'a Value, value: &Value) -> Vec<&'a Value> {
        let schema = self.resolve(schema);
        let list = |keyword: &str| schema[keyword].as_array().into_iter().flatten();
        let chosen = list("anyOf").chain(list("oneOf")).filter(|part| self.faults(part, value).is_empty());
        let inner = list("allOf").chain(chosen).flat_map(|part| self.parts(part, value));
        std::iter::once(schema).chain(inner).collect()
    }

    /// The names of the fields that the schema knows.
    fn named<'a>(&'a self, schema: &'a Value, value: &Value, known: &mut BTreeSet<&'a str>) {
        for part in self.parts(schema, value) {
            known.extend(part["properties"].as_object().into_iter().flat_map(Map::keys).map(String::as_str));
        }
    }

    /// Whether other fields than those named may be there.
    fn is_open(&self, schema: &Value, value: &Value) -> bool {
        self.parts(schema, value).iter().any(|part| part["additionalProperties"] == true)
    }

    /// What one keyword finds wrong with the value itself.
    fn fault(&self, keyword: &str, wanted: &Value, value: &Value) -> Option<String> {
        let characters = || value.as_str().map(|text| text.chars().count() as f64);
        let entries = || value.as_array().map(|items| items.len() as f64);
        let limit = wanted.as_f64();
        let is_wrong = match keyword {
            "type" => !types(wanted).any(|kind| is_of(kind, value)),
            "enum" => !wanted.as_array().into_iter().flatten().any(|one| one == value),
            "const" => wanted != value,
            "required" => {
                let object = value.as_object()?;
                let missing = wanted.as_array().into_iter().flatten().filter_map(Value::as_str);
                missing.into_iter().any(|name| !object.contains_key(name))
            }
            "pattern" => {
                let (text, pattern) = (value.as_str()?, wanted.as_str()?);
                match self.patterns.get(pattern) {
                    Some(compiled) => !compiled.is_match(text),
                    None => !Regex::new(pattern).is_ok_and(|compiled| compiled.is_match(text)),
                }
            }
            "minLength" => characters()? < limit?,
            "maxLength" => characters()? > limit?,
            "minItems" => entries()? < limit?,
            "maxItems" => entries()? > limit?,
            "minimum" => value.as_f64()? < limit?,
            "maximum" => value.as_f64()? > limit?,
            // What stands for more than the value itself is looked at elsewhere.
            "$ref" | "allOf" | "anyOf" | "oneOf" | "properties" | "items" | "additionalProperties" => false,
            "title" | "description" | "examples" | "format" | "discriminator" | "contentMediaType" => false,
            other if other.starts_with("x-") => false,
            other => return Some(format!("the keyword {other} is not understood here")),
        };
        is_wrong.then(|| format!("is not of {keyword} {wanted}"))
    }
}

/// Whether a path is one of a template such as `/v1/requests/{id}`.
fn leads_to(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(wanted, given): (&&str, &&str)| wanted.starts_with('{') || wanted == given;
    wanted.len() == given.len() && wanted.iter().zip(&given).all(same)
}

/// Every pattern that a document holds. One that is no regular expression is left out, and fits nothing.
fn compile(node: &Value, patterns: &mut BTreeMap<String, Regex>) {
    match node {
        Value::Object(object) => {
            if let Some(pattern) = object.get("pattern").and_then(Value::as_str)
                && let Ok(compiled) = Regex::new(pattern)
            {
                patterns.insert(pattern.to_owned(), compiled);
            }
            object.values().for_each(|inner| compile(inner, patterns));
        }
        Value::Array(items) => items.iter().for_each(|inner| compile(inner, patterns)),
        _ => {}
    }
}

fn types(wanted: &Value) -> impl Iterator<Item = &str> {
    let several = wanted.as_array().into_iter().flatten().filter_map(Value::as_str);
    wanted.as_str().into_iter().chain(several)
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        // JSON Schema counts 1.0 among the integers.
        "integer" => value.is_u64() || value.is_i64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        _ => false,
    }
}
