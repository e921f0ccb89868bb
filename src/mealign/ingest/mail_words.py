"""What mail programs write in the languages in which they come: headings, introductions, marks of devices."""

from __future__ import annotations

import re

MESSAGE = re.compile(
    r"message|mail|nachricht|bericht|mensa|messagg|courriel|correo|m[ei]dd?el|melding|bes(?:ked|kjed)|viesti|"
    r"wiadomo|zpráv|správ|сообщени|письм|повідомлен|лист|levél|üzenet|ileti|posta|mesaj|poruk|sporočil|laišk|kiri|"
    r"邮件|郵件|信件|消息|メッセージ|메[시세]지|μήνυμα|thư|pesan|הודעה|رسالة|الرسالة",
    re.IGNORECASE,
)
ORIGINAL = re.compile(
    r"origin|ursprüng|ursprung|oorspronk|opprinnel|oprindel|alkuper|oryginal|původ|pôvod|исходн|оригинал|оригінал|"
    r"eredeti|orijinal|özgün|izvor|原始|元の|원본|αρχικό|gốc|asli|מקורי|الأصلي|forward|weitergeleit|transf[eé]r|"
    r"réexpédi|reenvia|inoltrat|encaminha|doorgestuurd|vidarebefordra|videresend|välitetty|przekaz|przesłan|"
    r"přeposlan|preposlan|пересыла|пересла|továbbít|iletilen|redirec|proslijeđ|posredovan|转发|轉寄|轉發|転送|"
    r"전달|chuyển tiếp|diteruskan|הועבר|מועבר|إعادة توجيه|المعاد توجيه|προωθ",
    re.IGNORECASE,
)
SENDER = (
    "From|Von|De|Van|Da|Fra|Från|Od|От|Від|Lähettäjä|Kimden|Gönderen|Feladó|De la|Από|Desde|Expéditeur|Remitente|"
    "Mittente|Remetente|Afzender|Absender|Avsender|Nadawca|Отправитель|Saatja|Nuo|Šalje|Dari|Từ|发件人|寄件者|"
    "寄件人|差出人|送信者|보낸 사람|보낸사람|מאת|من"
)
HEADING = re.compile(rf"\W{{0,3}}(?:{SENDER})\W{{0,3}}[:：]\s{{0,9}}\S")
KNOWN_HEADING = re.compile(
    rf"\W{{0,3}}(?:{SENDER}|Sent|Date|To|Cc|Subject|Gesendet|Datum|An|Betreff|Envoyé(?: le)?|À|Objet|"
    rf"Enviado(?: el)?|Fecha|Para|"
    r"Asunto|Inviato|Data|A|Oggetto|Enviada(?: em)?|Assunto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|"
    r"Emne|Dato|Lähetetty|Päivämäärä|Vastaanottaja|Aihe|Wysłano|Do|Temat|Odesláno|Komu|Předmět|Predmet|Отправлено|"
    r"Дата|Кому|Тема|Надіслано|Gönderildi|Tarih|Kime|Konu|Küldve|Dátum|Címzett|Tárgy|Trimis|Către|Subiect|Στάλθηκε|"
    r"Ημερομηνία|Προς|Θέμα|发送时间|日期|收件人|主题|傳送時間|寄件日期|收件者|主旨|送信日時|日付|宛先|件名|"
    r"보낸 날짜|날짜|받는 사람|제목|Reply-To|תאריך|אל|נושא|التاريخ|إلى|الموضوع"
    r")\W{0,3}[:：]"
)
VERB = re.compile(
    r"\b(?:wrote|writes|schrieb|geschrieben|schreef|geschreven|écrit|escribió|escribe|scritto|scrisse|escreveu|"
    r"escriure|skrev|skrifaði|napisa[łl]\w{0,3}(?:\([ao]\))?|napisao je|napisala je|Missatge de|pisze|píše|"
    r"napsal\w?(?:\([ao]\))?|napísal\w?|kirjoitti|kirjutas|yazdı|írta|scris|menulis|viết|rašė|rakstīja|"
    r"написа[лв]?[аи]?(?:\([ао]\))?|пишет|пише|έγραψε)(?!\w)|כתב|كتب|كتابة|लिखा|เขียนว่า|写道|寫道|書き|작성|씀|"
    r"نوشت|のメール"
)
PRONOUNS = (
    "i ai ho we he she they you who it ich wir sie du ihr je nous elle tu vous yo nosotros ella io noi lei lui "
    "eu nós ele ela ik wij hij zij jag vi han hon jeg hun minä hän ja my ona já ono я мы он она они ти ми він "
    "вона ben biz én ő"
)
PRONOUN = frozenset(PRONOUNS.split())
DEVICE = re.compile(
    r"iPhone|iPad|iPod|iOS|Android|Galaxy|Samsung|BlackBerry|Outlook|Yahoo|Gmail|Proton|Thunderbird|Huawei|Xiaomi|"
    r"Nokia|Pixel|Windows|\b(?:smart)?phone\b|mobile|Handy|Smartphone|telef|téléphone|telemóvel|celular|móvil|"
    r"tablet|телефон|携帯|手机|手機|휴대",
    re.IGNORECASE,
)
SENT = re.compile(
    r"\W{0,3}(?:Sent (?:from|via|with|by)|Get |Gesendet |Von meinem |Diese Nachricht wurde von |Envoyé |"
    r"Obtenir |Enviado |Enviada |Obtener |Obter |Inviato |Ottieni |Scarica |Verzonden |Verstuurd |"
    r"Skickat |Hämta |Sendt |Hent |Lähetetty |Hanki |Wysłan|Pobierz |Odesláno |Odoslané |Отправлено |"
    r"Надіслано |Küldve |Elküldve |Trimis |Στάλθηκε |Poslano |Dikirim |Gửi từ |发自|發自|从我的|從我的|נשלח מ|"
    r"أرسلت من|تم الإرسال من)|"
    r".{1,40}(?:から送信|에서 보냄|gönderildi|küldve|aka\.ms/)",
    re.IGNORECASE,
)
