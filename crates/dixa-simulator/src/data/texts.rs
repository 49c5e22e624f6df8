//! What people and lines of text are called: string tokens that are hard to parse.

/// Names as string tokens: several scripts, combining marks, right to left, escapes.
pub const NAMES: &[&str] = &[
    r#""Ada Lovelace""#,
    r#""Søren Ærø""#,
    r#""Ren\u00e9e O'Hara""#,
    r#""שרה כהן""#,
    r#""محمد علي""#,
    r#""Nguye\u0302\u0303n Văn""#,
    r#""佐藤 花子 🌸""#,
    r#""\"Quoted\" \\ Slashed\/""#,
];

/// Lines of text as string tokens, with every kind of escape.
pub const TEXTS: &[&str] = &[
    r#""Where is my order?""#,
    r#""Two lines\nand a tab\there""#,
    r#""Path C:\\temp\\new and 50\/50, \"so\" to speak""#,
    r#""Caf\u00e9 cr\u00E8me \ud83d\ude00 and a raw 😀👩‍👩‍👧""#,
    r#""مرحبا, where is it? שלום""#,
    r#""e\u0301 is not é; a written \\u0000 and del \u007f, {\"json\": [1,2]}""#,
    "\"line\u{2028}and paragraph\u{2029}separators, raw\"",
    r#""""#,
];

/// The first tags of an account.
pub const TAG_NAMES: &[&str] = &[
    "vip",
    "refund",
    "größe",
    "配送",
    "bug 🐛",
    "a \"quoted\" tag",
];

/// The first queues of an account.
pub const QUEUE_NAMES: &[&str] = &["Support", "Faktura & Betaling", "Telefon ☎", "Returns"];
