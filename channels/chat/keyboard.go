package chat

import (
	"strings"
	"unicode/utf8"

	"gatehouse/channels"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// Short labels share a row, as fits a telephone.
const (
	shortLabel = 12
	rowLength  = 4
)

// keyboard is what m offers to press: buttons under the message for Options, a keyboard in place of the letters for
// a Request, because only that one may ask for a number or a place. Nil when it offers nothing.
func keyboard(m channels.Message) any {
	switch {
	case m.Request != channels.RequestNothing:
		return requestKeyboard(m)
	case len(m.Options) > 0:
		return inlineKeyboard(m.Options)
	}
	return nil
}

func inlineKeyboard(options []channels.Option) tg.InlineKeyboardMarkup {
	var rows [][]tg.InlineKeyboardButton
	for _, row := range arrange(options) {
		var buttons []tg.InlineKeyboardButton
		for _, o := range row {
			buttons = append(buttons, tg.NewInlineKeyboardButtonData(o.Label, o.Value))
		}
		rows = append(rows, buttons)
	}
	return tg.InlineKeyboardMarkup{InlineKeyboard: rows}
}

// requestKeyboard goes away once it was used. An option on it sends its label.
func requestKeyboard(m channels.Message) tg.ReplyKeyboardMarkup {
	ask := tg.KeyboardButton{Text: requestLabel(m.Request, m.Lang)}
	ask.RequestContact = m.Request == channels.RequestPhone
	ask.RequestLocation = m.Request == channels.RequestLocation
	rows := [][]tg.KeyboardButton{{ask}}
	for _, row := range arrange(m.Options) {
		var buttons []tg.KeyboardButton
		for _, o := range row {
			buttons = append(buttons, tg.NewKeyboardButton(o.Label))
		}
		rows = append(rows, buttons)
	}
	return tg.ReplyKeyboardMarkup{Keyboard: rows, ResizeKeyboard: true, OneTimeKeyboard: true}
}

// arrange puts options into rows: several a row when all are short.
func arrange(options []channels.Option) [][]channels.Option {
	length := rowLength
	for _, o := range options {
		if utf8.RuneCountInString(o.Label) > shortLabel {
			length = 1
		}
	}
	var rows [][]channels.Option
	for len(options) > 0 {
		n := min(length, len(options))
		rows, options = append(rows, options[:n]), options[n:]
	}
	return rows
}

// requestLabel names the button that hands over a number or a place: a part of Telegram's own controls, so it is
// here and not among the sentences of the product.
func requestLabel(r channels.Request, lang string) string {
	primary, _, _ := strings.Cut(strings.ToLower(lang), "-")
	phone, place := "Share my number", "Share my location"
	switch primary {
	case "fr":
		phone, place = "Partager mon numéro", "Partager ma position"
	case "ar":
		phone, place = "مشاركة رقمي", "مشاركة موقعي"
	case "zh":
		phone, place = "发送我的号码", "发送我的位置"
	}
	if r == channels.RequestLocation {
		return "📍 " + place
	}
	return "📱 " + phone
}
