//! English words that say nothing of what a question is about.
use super::word_list::WordList;

/// The lists of English.
pub(super) const ENGLISH: WordList = WordList {
    stop: STOP,
    ask: ASK,
    ask_phrases: &[
        &["bring", "up"],
        &["brought", "up"],
        &["in", "order"],
        &["in", "the", "order"],
        &["in", "what", "order"],
        &["the", "order", "in", "which"],
        &["walk", "me", "through"],
    ],
    ask_sentences: &[&["mention", "only"]],
};

#[rustfmt::skip]
const STOP: &[&str] = &[
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "aren", "as", "at",
    "be", "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "cannot",
    "could", "couldn", "d", "did", "didn", "do", "does", "doesn", "doing", "don", "down", "during", "each",
    "few", "for", "from", "further", "get", "got", "had", "hadn", "has", "hasn", "have", "haven", "having",
    "he", "her", "here", "hers", "herself", "him", "himself", "his", "how", "i", "if", "in", "into", "is",
    "isn", "it", "its", "itself", "just", "ll", "m", "me", "might", "more", "most", "my", "myself", "no",
    "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other", "our", "ours", "ourselves",
    "out", "over", "own", "re", "s", "same", "she", "should", "shouldn", "so", "some", "such", "t", "than",
    "that", "the", "their", "theirs", "them", "themselves", "then", "there", "these", "they", "this",
    "those", "through", "to", "too", "under", "until", "up", "us", "ve", "very", "was", "wasn", "we",
    "were", "weren", "what", "when", "where", "which", "while", "who", "whom", "why", "will", "with", "won",
    "would", "wouldn", "you", "your", "yours", "yourself", "yourselves",
];

#[rustfmt::skip]
const ASK: &[&str] = &[
    "across", "chat", "chats", "comprehensive", "conversation", "conversations", "different", "discuss",
    "discussed", "list", "mention", "mentioned", "please", "provide", "recall", "remember", "remind", "said",
    "say", "session", "sessions", "summarise", "summarize", "summary", "talk", "talked", "tell",
    "throughout", "told",
];
