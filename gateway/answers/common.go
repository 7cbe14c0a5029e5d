package answers

import (
	"strings"
	"unicode/utf8"
)

// common tells the words that say little of a question's subject. They count less, never nothing: "how much" and
// "where" tell two pages of a subject apart. The list is of stems of many languages at once, asked for every word
// alike.
func common(term string) bool {
	list := commonLatin
	switch r, _ := utf8.DecodeRuneInString(term); {
	case dense(r):
		list = commonHan
	case r >= 0x0600:
		list = commonArabic
	}
	return strings.Contains(list, term) && strings.Contains(list, " "+term+" ")
}

const (
	commonLatin = " a an the and or but if of to in on at for from by with about as is are was wer be been am do doe did " +
		"have ha had will would can could shall should may might must i me my mine we us our you your he him his she " +
		"her it they them their this that these those here what which who whom when where whi how not no yes so " +
		"just also veri ani some all s t " +
		"le la les un une de du des et ou mai si dan sur pour par avec est sont etr ete ai avon avez ont j n d l m qu " +
		"je tu il ell nou vous on mon ma mes ton ta tes son sa ses notr nos votr vos leur ce cet cett ces que qui quoi " +
		"quel quell comment quand pourquoi ne pas plus au aux en se san y "
	commonArabic = " في من عل ال عن مع هذا هذ ذلك تلك هل ما ماذا مت كيف اين كم لماذا انا انت هو نحن هم ان او ثم لا لم لن قد كان "
	commonHan    = " 的 了 吗 呢 吧 啊 是 我 你 您 他 她 在 有 和 与 或 这 那 就 都 也 要 能 会 不 什 么 什么 怎 怎么 怎样 如何 可以 可 以 请 问 请问 "
)
