//! The parts of messages that a model takes.
//!
//! A medium of the question that the model cannot take is refused by itself, before anything is sent. One of an earlier message or of a tool's
//! result is left out, and the model reads that: the conversation goes on with a model that takes less.

use std::borrow::Cow;

use runbus::session::{Content, Media, MediaKind, MediaSource, Part};

use super::abilities::Images;
use super::quirks::{Asked, Quirks};
use super::{Fault, Message, Request};

/// Which media a service is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Takes {
    pub(super) images: bool,
    pub(super) audio: bool,
    pub(super) files: bool,
    /// Whether addresses are passed on.
    pub(super) urls: bool,
}

impl Takes {
    /// As the quirks of a service say.
    pub(super) fn of(quirks: &Quirks) -> Self {
        Self {
            images: quirks.images != Images::Never,
            audio: quirks.audio != Asked::Never,
            files: quirks.files != Asked::Never,
            urls: quirks.part_urls != Asked::Never,
        }
    }

    /// Why a medium is not sent; `None`: it is.
    pub(super) fn refusal(self, media: &Media) -> Option<&'static str> {
        let (is_taken, why) = match media.kind {
            MediaKind::Image => (self.images, "the model takes no images"),
            MediaKind::Audio => (self.audio, "the model takes no audio"),
            MediaKind::File => (self.files, "the model takes no files"),
        };
        if !is_taken {
            return Some(why);
        }
        let is_url = matches!(media.source, MediaSource::Url(_));
        (is_url && !self.urls).then_some("the service asks no addresses: send the data")
    }
}

/// Why an address is not one that every service asks.
pub(super) fn not_web(media: &Media) -> Option<&'static str> {
    let is_web = !matches!(&media.source, MediaSource::Url(url) if url.starts_with("gs://"));
    (!is_web).then_some("only Gemini asks addresses of gs")
}

/// A request without the media for which `refusal` has a reason.
///
/// # Errors
/// [`Fault::UnsupportedPart`]: one of them is a part of the question, the last message of a user.
pub(super) fn fit<'a>(
    request: &'a Request,
    refusal: impl Fn(&Media) -> Option<&'static str>,
) -> Result<Cow<'a, Request>, Fault> {
    let mut media = request.messages.iter().filter_map(Message::content).flat_map(Content::media);
    if media.all(|media| refusal(media).is_none()) {
        return Ok(Cow::Borrowed(request));
    }
    let question = request.messages.iter().rposition(|message| matches!(message, Message::User { .. }));
    let mut fitted = request.clone();
    for (at, message) in fitted.messages.iter_mut().enumerate() {
        match message {
            Message::User { content } if Some(at) == question => check(content, &refusal)?,
            Message::User { content } => left_out(content, &refusal),
            Message::Tool { content, .. } => not_shown(content, &refusal),
            Message::System { .. } | Message::Assistant { .. } => {}
        }
    }
    Ok(Cow::Owned(fitted))
}

fn check(content: &Content, refusal: impl Fn(&Media) -> Option<&'static str>) -> Result<(), Fault> {
    let refused = content.parts().iter().enumerate().find_map(|(index, part)| match part {
        Part::Media(media) => refusal(media).map(|why| (index, media, why)),
        Part::Text(_) => None,
    });
    refused.map_or(Ok(()), |(index, media, why)| {
        let (kind, part) = (media.kind.name(), media.to_string());
        Err(Fault::UnsupportedPart { index, kind, part, why })
    })
}

fn left_out(content: &mut Content, refusal: impl Fn(&Media) -> Option<&'static str>) {
    let Content::Parts(parts) = content else { return };
    for part in parts {
        if let Part::Media(media) = part
            && let Some(why) = refusal(media)
        {
            *part = Part::Text(format!("[{media}, not shown: {why}]"));
        }
    }
}

/// The text of a result says of each medium that it is attached.
fn not_shown(content: &mut Content, refusal: impl Fn(&Media) -> Option<&'static str>) {
    let (mut text, mut kept) = (content.text().into_owned(), Vec::new());
    for media in content.media() {
        if refusal(media).is_none() {
            kept.push(media.clone());
            continue;
        }
        let marker = |shown: &str| {
            format!("{}, {} bytes, {shown}]", media.media_type(), media.bytes().unwrap_or_default())
        };
        if text.contains(&marker("attached")) {
            text = text.replacen(&marker("attached"), &marker("not shown"), 1);
        } else {
            text.push_str(&format!("\n[{media}, not shown]"));
        }
    }
    *content = Content::with(text, kept);
}

/// A text without media, whether it came as parts or not; `None`: there are media.
pub(super) fn plain(content: &Content) -> Option<Cow<'_, str>> {
    content.media().next().is_none().then(|| content.text())
}

/// The address of a medium, which has its data where those are here.
pub(super) fn address(media: &Media) -> Cow<'_, str> {
    match &media.source {
        MediaSource::Url(url) => Cow::Borrowed(url),
        MediaSource::Data(data) => Cow::Owned(format!("data:{};base64,{data}", media.media_type())),
    }
}

/// The format of audio, as OpenAI's APIs name it.
pub(super) fn audio_format(media: &Media) -> &str {
    let format = media.media_type().rsplit('/').next().unwrap_or_default();
    match format {
        "mpeg" | "mp3" => "mp3",
        "wav" | "x-wav" | "wave" | "vnd.wave" => "wav",
        other => other,
    }
}

/// The name of a file: services that take data want one.
pub(super) fn file_name(media: &Media) -> Cow<'_, str> {
    media.name.as_deref().map_or_else(
        || {
            let kind = media.media_type();
            let end =
                kind.rsplit(['/', '.', '+', '-']).next().filter(|end| *end != "stream").unwrap_or("bin");
            Cow::Owned(format!("file.{}", if end == "plain" { "txt" } else { end }))
        },
        Cow::Borrowed,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Media {
        Media::new("image/png", "AAAA").unwrap()
    }

    fn shows(content: Content) -> Message {
        Message::Tool { tool_call_id: "a".into(), content }
    }

    fn asked(messages: Vec<Message>, takes: Takes) -> Result<Vec<Message>, Fault> {
        let request = Request { messages, ..Request::default() };
        fit(&request, |media| takes.refusal(media)).map(|request| request.messages.clone())
    }

    const ALL: Takes = Takes { images: true, audio: true, files: true, urls: true };

    #[test]
    fn a_part_of_the_question_that_the_model_cannot_take_is_named() {
        let question = Message::user(Content::with("What is it?", vec![image()]));
        assert!(asked(vec![question.clone()], ALL).is_ok());
        let fault = asked(vec![question], Takes { images: false, ..ALL }).unwrap_err();
        assert!(fault.to_string().contains("part 1 (image image/png, 3 bytes)"), "{fault}");
        assert!(!fault.is_retryable() && fault.code() == "unsupported_part");

        let url = MediaSource::Url("https://h/a.pdf".into());
        let file = Media { kind: MediaKind::File, source: url, media_type: None, name: None };
        let fault = asked(vec![Message::user(Content::with("", vec![file]))], Takes { urls: false, ..ALL });
        assert!(fault.unwrap_err().to_string().contains("part 0 (file at https://h/a.pdf)"));
    }

    #[test]
    fn media_of_earlier_messages_and_of_results_are_left_out_and_the_model_reads_that() {
        let said = vec![
            Message::user(Content::with("What is it?", vec![image()])),
            Message::assistant("A cat."),
            Message::user("And now?"),
            shows(Content::with("[image image/png, 3 bytes, attached]", vec![image()])),
            shows(Content::with("look", vec![image()])),
        ];
        let fitted = asked(said, Takes { images: false, ..ALL }).unwrap();
        let texts: Vec<_> = fitted.iter().filter_map(Message::content).map(Content::described).collect();
        let wanted = [
            "What is it?\n\n[image image/png, 3 bytes, not shown: the model takes no images]",
            "And now?",
            "[image image/png, 3 bytes, not shown]",
            "look\n[image image/png, 3 bytes, not shown]",
        ];
        assert_eq!(texts, wanted);
    }

    #[test]
    fn a_file_without_a_name_gets_one() {
        let named = |kind: &str| file_name(&Media::new(kind, "AAAA").unwrap()).into_owned();
        assert_eq!(
            (named("application/pdf").as_str(), named("text/plain").as_str()),
            ("file.pdf", "file.txt")
        );
    }
}
