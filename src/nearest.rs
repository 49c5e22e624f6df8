//! The name that was probably meant by a misspelt one.

use strsim::damerau_levenshtein;

/// The most similar of these names, if it is similar enough: about every third character may differ.
pub fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase().replace(['-', ' ', '.'], "_");
    let distance = |name: &str| damerau_levenshtein(&given, &name.to_lowercase());
    let (distance, name) = names
        .map(|name| (distance(name), name))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len().div_ceil(3)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_another_word_does_not() {
        let names = ["conversations", "tags", "teams", "team_members"];
        for (given, expected) in [
            ("conversatoins", Some("conversations")),
            ("Conversation", Some("conversations")),
            ("tag", Some("tags")),
            ("team-members", Some("team_members")),
            ("invoices", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, names.into_iter()), expected, "{given}");
        }
    }
}
