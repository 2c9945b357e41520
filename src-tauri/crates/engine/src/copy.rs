//! A call as a program that repeats it: curl, a TypeScript Worker, Python. The key is never in it; each form takes
//! it from where such programs keep it.

use domain::CopyForm;
use serde_json::Value;

/// A call that made an answer.
pub(crate) struct Call {
    /// `https://api.cloudflare.com/client/v4`, or what stands for it.
    pub(crate) base_url: String,
    /// The account that is asked; absent when none is connected.
    pub(crate) account_id: Option<String>,
    /// The model.
    pub(crate) model: String,
    /// What is sent, without `model`.
    pub(crate) body: Value,
}

impl Call {
    /// The call as text.
    pub(crate) fn as_program(&self, form: CopyForm) -> String {
        match form {
            CopyForm::Markdown => String::new(),
            CopyForm::Curl => self.as_curl(),
            CopyForm::TypeScript => self.as_worker(),
            CopyForm::Python => self.as_python(),
        }
    }

    fn as_curl(&self) -> String {
        format!(
            "curl {} \\\n  -H \"Authorization: Bearer $CLOUDFLARE_API_TOKEN\" \\\n  -H 'Content-Type: application/json' \\\n  -d {}\n",
            self.quoted_address(),
            single_quoted(&pretty(&self.whole_body())),
        )
    }

    /// The address in double quotes, with the shell's variable where the account is not known.
    fn quoted_address(&self) -> String {
        let account = self.account_id.as_deref().unwrap_or("$CLOUDFLARE_ACCOUNT_ID");
        format!("\"{}/accounts/{account}/ai/v1/chat/completions\"", self.base_url)
    }

    fn as_worker(&self) -> String {
        // JSON is TypeScript, but for the two line separators that old engines refuse inside strings.
        let body = pretty(&self.body).replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
        let model = Value::String(self.model.clone());
        format!(
            "// wrangler.toml:  [ai]  binding = \"AI\"\nexport default {{\n  async fetch(_request: Request, env: {{ AI: Ai }}): Promise<Response> {{\n    const answer = await env.AI.run({model}, {});\n    return Response.json(answer);\n  }},\n}};\n",
            indented(&body, 4),
        )
    }

    fn as_python(&self) -> String {
        let account = match &self.account_id {
            Some(id) => Value::String(id.clone()).to_string(),
            None => "os.environ[\"CLOUDFLARE_ACCOUNT_ID\"]".to_owned(),
        };
        let base = Value::String(self.base_url.clone());
        format!(
            "import os\n\nimport requests\n\naccount = {account}\nanswer = requests.post(\n    {base} + f\"/accounts/{{account}}/ai/v1/chat/completions\",\n    headers={{\"Authorization\": \"Bearer \" + os.environ[\"CLOUDFLARE_API_TOKEN\"]}},\n    json={},\n    timeout=120,\n)\nanswer.raise_for_status()\nprint(answer.json()[\"choices\"][0][\"message\"][\"content\"])\n",
            indented(&python(&self.whole_body(), 0), 4),
        )
    }

    fn whole_body(&self) -> Value {
        let mut whole = serde_json::Map::new();
        whole.insert("model".to_owned(), Value::String(self.model.clone()));
        if let Value::Object(rest) = &self.body {
            whole.extend(rest.clone());
        }
        Value::Object(whole)
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// For a POSIX shell: nothing is special between single quotes but the single quote itself.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// All lines but the first moved to the right.
fn indented(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(by)))
}

/// A JSON value as a Python literal. Strings need no change: every escape of JSON means the same in Python, but for
/// the surrogate pairs that `serde_json` never writes.
fn python(value: &Value, depth: usize) -> String {
    let (inner, outer) = (" ".repeat(4 * (depth + 1)), " ".repeat(4 * depth));
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Array(items) => {
            let lines: String =
                items.iter().map(|item| format!("{inner}{},\n", python(item, depth + 1))).collect();
            format!("[\n{lines}{outer}]")
        }
        Value::Object(fields) => {
            let lines: String = fields
                .iter()
                .map(|(key, field)| {
                    format!("{inner}{}: {},\n", Value::String(key.clone()), python(field, depth + 1))
                })
                .collect();
            format!("{{\n{lines}{outer}}}")
        }
        Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::process::Command;

    fn call(text: &str) -> Call {
        Call {
            base_url: "https://api.cloudflare.com/client/v4".to_owned(),
            account_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
            model: "@cf/zai-org/glm-4.7-flash".to_owned(),
            body: json!({ "messages": [{ "role": "user", "content": text }], "temperature": 0.2, "json": true, "none": null }),
        }
    }

    const AWKWARD: &str = "it's $HOME `id` \"quoted\" \\ back\nline\ttab 你好 🙂 \u{2028} '''";

    #[test]
    fn no_form_holds_a_key() {
        for form in [CopyForm::Curl, CopyForm::TypeScript, CopyForm::Python] {
            let program = call("hello").as_program(form);
            assert!(!program.contains("cfut_"), "{program}");
            assert!(program.contains("@cf/zai-org/glm-4.7-flash"), "{program}");
        }
    }

    #[test]
    fn the_shell_reads_back_the_very_body() {
        let body = single_quoted(&pretty(&call(AWKWARD).whole_body()));
        let output = Command::new("sh").arg("-c").arg(format!("printf %s {body}")).output().unwrap();
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(read["messages"][0]["content"], AWKWARD);
    }

    #[test]
    fn python_reads_back_the_very_body() {
        let program = format!("import json\nprint(json.dumps({}))", python(&call(AWKWARD).whole_body(), 0));
        let Ok(output) = Command::new("python3").arg("-c").arg(program).output() else {
            println!("python3 is not installed: the literal was not read back");
            return;
        };
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(read, call(AWKWARD).whole_body());
    }
}
