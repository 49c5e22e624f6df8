//! The knowledge base (docs/dixa-api.md 2.6 and 2.7, SPEC): what collections hold, as trees of ids,
//! and categories and articles, which are available only by their ids.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::directory::rows_with_ids;
use super::json::{Object, array, quoted};
use super::row::Row;

const RESTRICTIONS: &str = r#"{"isRestricted":true,"inheritedRestrictions":[{"fromCollection":"78dfb531-2e1e-4ffc-bd18-fdad68cd2419"}]}"#;
/// With the zone's name from SPEC's example.
const CREATED: &str = "2021-12-01T12:46:36.581Z[GMT]";

pub fn categories(random: &mut Rng) -> Vec<Row> {
    rows_with_ids(random, 6, |object, random, index| {
        if random.bool() {
            object.raw("title", &title(&format!("Category {index} «x»")));
        }
        if random.bool() {
            object.raw("isDefaultLocation", "true");
        }
        object
            .raw("isLocked", "false")
            .raw("restrictions", RESTRICTIONS);
        if random.bool() {
            object.raw(
                "parentCollections",
                r#"["78dfb531-2e1e-4ffc-bd18-fdad68cd2419"]"#,
            );
        }
    })
}

pub fn articles(random: &mut Rng) -> Vec<Row> {
    rows_with_ids(random, 12, |object, random, index| {
        let length = if index == 5 { 20_000 } else { 20 };
        object
            .raw("translation", &translation(index, length))
            .raw("tags", r#"["f6020a03-5a7a-4d9e-81e6-f1b76a855e"]"#)
            .text("createdAt", CREATED)
            .text("updatedAt", CREATED);
        if random.bool() {
            object.text("createdBy", "123e4567-e89b-12d3-a456-426614174000");
        }
        object.raw("restrictions", RESTRICTIONS);
    })
}

fn translation(index: usize, length: usize) -> String {
    let html = format!("<p>{}</p>\n", "Hello & \"welcome\" ".repeat(length));
    let mut contents = Object::new();
    contents.text("html", &html).text("plaintext", "Hello");
    let mut draft = Object::new();
    draft
        .text("language", "en")
        .text("title", &format!("Article {index}"))
        .raw("isIndexedVersion", "true")
        .raw("contents", &contents.finish())
        .raw(
            "availableAt",
            r#"{"helpCenterLinks":[{"id":"112b5b9c-926a-4338-8963-0dc73d29dec7","name":"Help","url":"https://help.example.org"}]}"#,
        )
        .text("createdAt", CREATED)
        .text("updatedAt", CREATED);
    format!(r#"{{"draft":{}}}"#, draft.finish())
}

fn title(text: &str) -> String {
    format!(r#"{{"languageId":"en","title":{}}}"#, quoted(text))
}

/// The tree of each collection, by the collection's id: three deep, with one category and one article in all of them, and
/// the rest dealt out.
pub fn catalogs(
    collections: &[Row],
    categories: &[Row],
    articles: &[Row],
) -> BTreeMap<String, Row> {
    let count = collections.len().max(1);
    let catalog = |(number, collection): (usize, &Row)| {
        let own = |rows: &[Row]| -> Vec<String> {
            let mine = rows.iter().enumerate();
            let mine = mine.filter(|(index, _)| *index == 0 || index % count == number);
            mine.map(|(_, row)| row.key.clone()).collect()
        };
        let (mut mine, categories) = (own(articles), own(categories));
        // One article is at the top, the others in the innermost category.
        let top = mine
            .pop()
            .into_iter()
            .map(|id| item(&id, ""))
            .collect::<Vec<_>>();
        let inside = mine.iter().map(|id| item(id, "")).collect::<Vec<_>>();
        let mut tree = format!(r#","categories":[],"articles":{}"#, array(&inside));
        let mut innermost = String::new();
        for id in categories.iter().rev() {
            innermost = item(id, &tree);
            tree = format!(r#","categories":[{innermost}],"articles":[]"#);
        }
        let json = format!(
            r#"{{"categories":[{innermost}],"articles":{}}}"#,
            array(&top)
        );
        (
            collection.id().to_owned(),
            Row::new(&collection.key, 0, &json),
        )
    };
    collections.iter().enumerate().map(catalog).collect()
}

fn item(id: &str, inside: &str) -> String {
    format!(r#"{{"id":{id},"title":{}{inside}}}"#, title("An item"))
}
