"""What WhatsApp itself writes into a chat, by language, and how it is told from speech.

The table holds WhatsApp's phrases as its translations have them. What has a form of WhatsApp's own (a mark in angle
brackets behind a left-to-right mark, a name that it gives to files, a link to a map, a poll's options) is known by that
in any language, and so is a mark that stands behind several messages of one chat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mealign.ingest.whatsapp_stamps import MARKS, SPACES

LRM = "\u200e"
"""Left-to-right mark: iOS writes it before what the program says."""


class Phrases(NamedTuple):
    """One language's phrases, separated by ``|``; ``*`` stands for a name.

    ``deleted`` is said instead of a message, ``edited`` behind one; ``omitted`` of media that were left out of an
    export, ``attached`` behind a file's name; ``missed`` alone or with a hint behind it, ``calls`` only with how long
    one took or one of ``outcomes``; ``waiting`` is whatever else stands for a message.
    """

    deleted: str
    edited: str
    omitted: str
    attached: str
    missed: str
    calls: str
    outcomes: str
    waiting: str


LANGUAGES: dict[str, Phrases] = {
    "en": Phrases(
        "This message was deleted|You deleted this message|This message was deleted by admin *|"
        "You deleted this message as admin|null",
        "This message was edited|Edited",
        "Media omitted|image omitted|video omitted|audio omitted|sticker omitted|GIF omitted|document omitted|"
        "Contact card omitted|video note omitted|voice message omitted|View once photo omitted|"
        "View once video omitted|View once voice message omitted|album omitted|file omitted",
        "file attached",
        "Missed voice call|Missed video call|Missed group voice call|Missed group video call|Missed call|"
        "Silenced voice call|Silenced video call|Cancelled voice call|Cancelled video call",
        "Voice call|Video call|Group voice call|Group video call|Group call|Call",
        "No answer|Tap to call back|Click to call back|Answered on other device|Answered on another device|"
        "Not answered|Declined|Cancelled|Call failed|Focus mode|Silenced|Tap to see more",
        "Waiting for this message|Waiting for this message. This may take a while|"
        "Waiting for this message. This may take a while. Learn more|live location shared|Live location|"
        "You sent a view once message. You can only open it on your phone|"
        "You received a view once message. For added privacy, you can only open it on your phone|View once message|"
        "Message not supported|You received a message but your version of WhatsApp doesn't support it|"
        "This message can't be displayed here|Messages and calls are end-to-end encrypted. *|"
        "Messages to this chat and calls are now secured with end-to-end encryption. *",
    ),
    "de": Phrases(
        "Diese Nachricht wurde gelöscht|Du hast diese Nachricht gelöscht|"
        "Diese Nachricht wurde von Admin * gelöscht|Diese Nachricht wurde vom Admin * gelöscht|"
        "Du hast diese Nachricht als Admin gelöscht",
        "Diese Nachricht wurde bearbeitet|Bearbeitet",
        "Medien ausgeschlossen|Medien weggelassen|Bild weggelassen|Video weggelassen|Audio weggelassen|"
        "Sticker weggelassen|GIF weggelassen|Dokument weggelassen|Kontaktkarte weggelassen|"
        "Kontaktkarte ausgelassen|Videonachricht weggelassen|Sprachnachricht weggelassen|"
        "Einmalansicht-Foto weggelassen",
        "Datei angehängt",
        "Verpasster Sprachanruf|Verpasster Videoanruf|Verpasster Gruppenanruf|Verpasster Anruf|"
        "Verpasster Gruppen-Sprachanruf|Verpasster Gruppen-Videoanruf|Sprachanruf verpasst|Videoanruf verpasst",
        "Sprachanruf|Videoanruf|Gruppenanruf|Gruppen-Sprachanruf|Gruppen-Videoanruf",
        "Keine Antwort|Nicht beantwortet|Zum Zurückrufen tippen|Tippe, um zurückzurufen|"
        "Auf anderem Gerät angenommen|Abgelehnt|Abgebrochen",
        "Warte auf diese Nachricht|Warte auf diese Nachricht. Dies kann etwas dauern|"
        "Warten auf diese Nachricht. Dies kann etwas dauern|Auf diese Nachricht wird gewartet|"
        "Live-Standort wird geteilt|Live-Standort geteilt|Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. *",
    ),
    "nl": Phrases(
        "Dit bericht is verwijderd|Dit bericht werd verwijderd|U hebt dit bericht verwijderd|"
        "Je hebt dit bericht verwijderd|Jij hebt dit bericht verwijderd|Dit bericht is verwijderd door beheerder *",
        "Dit bericht is bewerkt|Bewerkt",
        "Media weggelaten|Media verwijderd|afbeelding weggelaten|video weggelaten|audio weggelaten|"
        "sticker weggelaten|GIF weggelaten|document weggelaten|Contactkaart weggelaten|videobericht weggelaten|"
        "spraakbericht weggelaten",
        "bestand bijgevoegd",
        "Gemiste spraakoproep|Gemiste video-oproep|Gemiste videoproep|Gemiste groepsoproep|Gemiste oproep|"
        "Gemiste groepsspraakoproep|Gemiste groepsvideo-oproep|Gemist spraakgesprek|Gemist videogesprek",
        "Spraakoproep|Video-oproep|Videogesprek|Spraakgesprek|Groepsoproep|Groepsspraakoproep|Groepsvideo-oproep",
        "Geen antwoord|Niet beantwoord|Tik om terug te bellen|Beantwoord op ander apparaat|Geweigerd|Geannuleerd",
        "Wachten op dit bericht|Wachten op dit bericht. Dit kan even duren|live locatie gedeeld|"
        "Livelocatie gedeeld|Berichten en gesprekken worden end-to-end versleuteld. *",
    ),
    "fr": Phrases(
        "Ce message a été supprimé|Vous avez supprimé ce message|Ce message a été supprimé par l'admin *|"
        "Ce message a été supprimé par l'administrateur *|Tu as supprimé ce message",
        "Ce message a été modifié|Modifié",
        "Médias omis|Fichier média omis|Média omis|image absente|vidéo absente|audio omis|sticker omis|GIF retiré|"
        "document manquant|Fiche contact omise|image omise|vidéo omise|document omis|message vocal omis|"
        "message vidéo omis",
        "fichier joint|pièce jointe",
        "Appel vocal manqué|Appel vidéo manqué|Appel de groupe manqué|Appel manqué|Appel vocal de groupe manqué|"
        "Appel vidéo de groupe manqué",
        "Appel vocal|Appel vidéo|Appel de groupe|Appel vocal de groupe|Appel vidéo de groupe",
        "Pas de réponse|Aucune réponse|Sans réponse|Appuyez pour rappeler|Touchez pour rappeler|Refusé|Annulé|"
        "Répondu sur un autre appareil",
        "En attente de ce message|En attente de ce message. Cela peut prendre du temps|"
        "En attente de ce message. Ceci peut prendre du temps|Localisation en direct partagée|"
        "localisation en direct partagée|Les messages et les appels sont chiffrés de bout en bout. *",
    ),
    "es": Phrases(
        "Se eliminó este mensaje|Eliminaste este mensaje|Este mensaje fue eliminado|Este mensaje ha sido eliminado|"
        "Se eliminó este mensaje por el admin. *|El admin. * eliminó este mensaje|Has eliminado este mensaje|"
        "Este mensaje fue eliminado por el administrador *|Este mensaje fue eliminado por el admin. *",
        "Se editó este mensaje|Este mensaje fue editado|Editado|Este mensaje ha sido editado",
        "Multimedia omitido|Archivo omitido|Archivo multimedia omitido|imagen omitida|video omitido|vídeo omitido|"
        "audio omitido|sticker omitido|GIF omitido|documento omitido|Tarjeta de contacto omitida|"
        "mensaje de voz omitido|videomensaje omitido|mensaje de video omitido|Medios omitidos",
        "archivo adjunto",
        "Llamada perdida|Llamada de voz perdida|Videollamada perdida|Llamada grupal perdida|"
        "Llamada de voz grupal perdida|Videollamada grupal perdida|Se perdió una llamada de voz|"
        "Se perdió una videollamada",
        "Llamada de voz|Videollamada|Llamada grupal|Llamada de voz grupal|Videollamada grupal|Llamada",
        "Sin respuesta|No contestada|Toca para devolver la llamada|Toca para llamar|Respondida en otro dispositivo|"
        "Rechazada|Cancelada|Contestada en otro dispositivo",
        "Esperando este mensaje|Esperando el mensaje|Esperando el mensaje. Esto puede tomar tiempo|"
        "Esperando este mensaje. Esto puede tomar tiempo|Esperando este mensaje. Esto puede tardar un poco|"
        "Ubicación en tiempo real compartida|ubicación en tiempo real compartida|"
        "Los mensajes y las llamadas están cifrados de extremo a extremo. *",
    ),
    "pt": Phrases(
        "Mensagem apagada|Você apagou esta mensagem|Você apagou essa mensagem|Esta mensagem foi apagada|"
        "Essa mensagem foi apagada|Apagou esta mensagem|Eliminou esta mensagem|Esta mensagem foi eliminada|"
        "Mensagem eliminada|Mensagem apagada pelo admin *|Mensagem apagada pelo administrador *|"
        "Esta mensagem foi apagada pelo admin *|Essa mensagem foi apagada pelo admin *|"
        "Esta mensagem foi eliminada pelo administrador *",
        "Mensagem editada|Esta mensagem foi editada|Essa mensagem foi editada|Editada",
        "Mídia oculta|Arquivo de mídia oculto|Mídia omitida|imagem ocultada|vídeo omitido|áudio ocultado|"
        "figurinha omitida|GIF omitido|documento omitido|Cartão do contato omitido|imagem omitida|áudio omitido|"
        "imagem oculta|vídeo oculto|áudio oculto|documento oculto|Ficheiro não revelado|"
        "Ficheiro multimédia omitido|Multimédia omitido|Multimédia ocultado|sticker omitido|"
        "Cartão de contacto omitido|mensagem de voz omitida|mensagem de vídeo omitida",
        "arquivo anexado|ficheiro anexado|ficheiro em anexo",
        "Chamada de voz perdida|Chamada de vídeo perdida|Ligação de voz perdida|Ligação de vídeo perdida|"
        "Ligação perdida|Chamada perdida|Chamada em grupo perdida|Ligação em grupo perdida|Chamada não atendida|"
        "Chamada de voz não atendida|Videochamada não atendida|Chamada de vídeo não atendida",
        "Chamada de voz|Chamada de vídeo|Ligação de voz|Ligação de vídeo|Videochamada|Ligação em grupo|"
        "Chamada em grupo",
        "Sem resposta|Não atendida|Não respondida|Toque para ligar de volta|Toque para retornar|Toque para ligar|"
        "Atendida em outro aparelho|Atendida em outro dispositivo|Recusada|Cancelada|Toque para devolver a chamada",
        "Aguardando mensagem|Aguardando mensagem. Essa ação pode levar alguns instantes|"
        "Aguardando esta mensagem. Isso pode levar algum tempo|Aguardando esta mensagem|A aguardar esta mensagem|"
        "A aguardar por esta mensagem. Isto pode demorar um pouco|Localização em tempo real compartilhada|"
        "localização em tempo real compartilhada|Localização em tempo real partilhada|"
        "As mensagens e as chamadas são protegidas com a criptografia de ponta a ponta*",
    ),
    "it": Phrases(
        "Questo messaggio è stato eliminato|Hai eliminato questo messaggio|Messaggio eliminato|"
        "Questo messaggio è stato eliminato dall'amministratore *|Questo messaggio è stato eliminato dall'admin *",
        "Questo messaggio è stato modificato|Modificato",
        "Media omessi|Media omesso|immagine omessa|video omesso|audio omesso|sticker omesso|sticker non incluso|"
        "GIF esclusa|documento omesso|Scheda contatto omessa|messaggio vocale omesso|videomessaggio omesso",
        "file allegato",
        "Chiamata vocale persa|Videochiamata persa|Chiamata persa|Chiamata di gruppo persa|"
        "Chiamata vocale di gruppo persa|Videochiamata di gruppo persa",
        "Chiamata vocale|Videochiamata|Chiamata di gruppo|Chiamata vocale di gruppo|Videochiamata di gruppo",
        "Nessuna risposta|Senza risposta|Non risposto|Tocca per richiamare|Risposta su un altro dispositivo|"
        "Rifiutata|Annullata",
        "In attesa del messaggio|In attesa del messaggio. L'operazione potrebbe richiedere del tempo|"
        "In attesa di questo messaggio. Potrebbe richiedere del tempo|In attesa di questo messaggio|"
        "posizione in tempo reale condivisa|posizione attuale condivisa|"
        "I messaggi e le chiamate sono crittografati end-to-end. *",
    ),
    "pl": Phrases(
        "Ta wiadomość została usunięta|Usunięto tę wiadomość|Wiadomość została usunięta|Usunąłeś tę wiadomość|"
        "Usunęłaś tę wiadomość|Tę wiadomość usunięto|Ta wiadomość została usunięta przez administratora *",
        "Ta wiadomość została edytowana|Wiadomość została zmodyfikowana|Edytowano|Tę wiadomość edytowano",
        "Pominięto multimedia|pominięto grafikę|pominięto wideo|pominięto film|obraz pominięto|film pominięto|"
        "pominięto audio|dźwięk pominięto|naklejka pominięta|pominięto naklejkę|pominięto GIF|GIF pominięto|"
        "dokument pominięto|pominięto dokument|pominięto wizytówkę|Pominięto kartę kontaktu|pominięto obraz",
        "załączono plik|plik załączony|plik dołączony",
        "Nieodebrane połączenie głosowe|Nieodebrane połączenie wideo|Nieodebrane połączenie|"
        "Nieodebrane grupowe połączenie głosowe|Nieodebrane grupowe połączenie wideo|Nieodebrane połączenie grupowe",
        "Połączenie głosowe|Połączenie wideo|Rozmowa głosowa|Rozmowa wideo|Połączenie grupowe|Wideorozmowa",
        "Brak odpowiedzi|Nie odebrano|Stuknij, aby oddzwonić|Dotknij, aby oddzwonić|Odebrano na innym urządzeniu|"
        "Odrzucono|Anulowano",
        "Oczekiwanie na wiadomość|Oczekiwanie na tę wiadomość|Oczekiwanie na tę wiadomość. To może chwilę potrwać|"
        "Oczekiwanie na wiadomość. To może chwilę potrwać|udostępniono lokalizację na żywo|"
        "Udostępniono bieżącą lokalizację|Wiadomości i połączenia są w pełni szyfrowane. *",
    ),
    "cs": Phrases(
        "Tato zpráva byla odstraněna|Tato zpráva byla smazána|Tuto zprávu jste odstranil|Tuto zprávu jste smazali|"
        "Tuto zprávu jste odstranili|Odstranili jste tuto zprávu|Smazali jste tuto zprávu|Smazal jste tuto zprávu|"
        "Tuto zprávu odstranil správce *|Tuto zprávu smazal správce *",
        "Tato zpráva byla upravena|Upraveno",
        "Média vynechána|Média byla vynechána|obrázek vynechán|video vynecháno|zvuk vynechán|audio vynecháno|"
        "samolepka vynechána|nálepka vynechána|GIF vynechán|dokument vynechán|vizitka vynechána|"
        "Karta kontaktu vynechána",
        "soubor byl přiložen|soubor přiložen|přiložený soubor",
        "Zmeškaný hlasový hovor|Zmeškaný videohovor|Zmeškaný hovor|Zmeškaný skupinový hovor|"
        "Zmeškaný skupinový videohovor",
        "Hlasový hovor|Videohovor|Skupinový hovor|Skupinový videohovor",
        "Bez odpovědi|Žádná odpověď|Nepřijato|Nezvednuto|Klepnutím zavoláte zpět|Přijato na jiném zařízení|"
        "Odmítnuto|Zrušeno",
        "Čekání na tuto zprávu|Čekání na tuto zprávu. Může to chvíli trvat|"
        "Čeká se na tuto zprávu. Může to chvíli trvat|sdílena aktuální poloha|Poloha v reálném čase byla sdílena|"
        "Zprávy a hovory jsou koncově šifrované. *",
    ),
    "sk": Phrases(
        "Táto správa bola odstránená|Táto správa bola vymazaná|Túto správu ste vymazali|Túto správu ste odstránili|"
        "Odstránili ste túto správu|Vymazali ste túto správu|Túto správu vymazal správca *|"
        "Túto správu odstránil správca *",
        "Táto správa bola upravená|Upravené",
        "Médiá vynechané|Médiá boli vynechané|Médiá vylúčené|obrázok vynechaný|obrázok bol vynechaný|"
        "video vynechané|video bolo vynechané|zvuk vynechaný|audio vynechané|nálepka vynechaná|GIF vynechaný|"
        "dokument vynechaný|Karta kontaktu vynechaná|vizitka vynechaná",
        "súbor bol priložený|priložený súbor|súbor priložený",
        "Zmeškaný hlasový hovor|Zmeškaný videohovor|Zmeškaný hovor|Zmeškaný skupinový hovor",
        "Hlasový hovor|Videohovor|Skupinový hovor",
        "Bez odpovede|Žiadna odpoveď|Neprijaté|Ťuknutím zavoláte späť|Prijaté na inom zariadení|Odmietnuté|Zrušené",
        "Čaká sa na túto správu|Čaká sa na túto správu. Môže to chvíľu trvať|"
        "Čakanie na túto správu. Môže to chvíľu trvať|zdieľaná aktuálna poloha|Poloha v reálnom čase zdieľaná|"
        "Správy a hovory sú šifrované end-to-end. *",
    ),
    "hu": Phrases(
        "Ezt az üzenetet törölték|Törölted ezt az üzenetet|Ez az üzenet törölve lett|Ezt az üzenetet törölte *|"
        "Ezt az üzenetet * admin törölte|Az üzenet törölve",
        "Ezt az üzenetet szerkesztették|Ez az üzenet szerkesztve lett|Szerkesztve|Az üzenet szerkesztve",
        "Média elhagyva|Médiafájl elhagyva|Médiafájlok nélkül|Hiányzó médiafájl|kép elhagyva|videó elhagyva|"
        "hang elhagyva|matrica elhagyva|GIF elhagyva|dokumentum elhagyva|Névjegykártya elhagyva|kép kihagyva|"
        "videó kihagyva|Média kihagyva|hanganyag kihagyva|dokumentum kihagyva|matrica kihagyva|GIF kihagyva",
        "fájl csatolva|csatolt fájl",
        "Nem fogadott hanghívás|Nem fogadott videohívás|Nem fogadott videóhívás|Nem fogadott hívás|"
        "Nem fogadott csoportos hívás|Nem fogadott csoportos videohívás",
        "Hanghívás|Videohívás|Videóhívás|Csoportos hívás",
        "Nincs válasz|Nem fogadott|Koppints a visszahíváshoz|Fogadva másik eszközön|Elutasítva|Megszakítva",
        "Várakozás az üzenetre|Várakozás erre az üzenetre. Ez eltarthat egy ideig|"
        "Várakozás az üzenetre. Ez eltarthat egy ideig|élő helyzet megosztva|Élő helymeghatározás megosztva|"
        "Az üzenetek és a hívások végpontok közötti titkosítással védettek. *",
    ),
    "ro": Phrases(
        "Acest mesaj a fost șters|Ați șters acest mesaj|Ai șters acest mesaj|Mesajul a fost șters|"
        "Acest mesaj a fost șters de administratorul *|Acest mesaj a fost șters de adminul *",
        "Acest mesaj a fost editat|Editat|Acest mesaj a fost modificat",
        "Fișier media omis|Conținut media omis|Media omisă|Fișiere media omise|Fără conținut media|imagine omisă|"
        "video omis|videoclip omis|audio omis|fișier audio omis|autocolant omis|sticker omis|GIF omis|"
        "document omis|Fișă de contact omisă|Card de contact omis",
        "fișier atașat",
        "Apel vocal nepreluat|Apel video nepreluat|Apel vocal pierdut|Apel video pierdut|Apel pierdut|"
        "Apel nepreluat|Apel de grup pierdut|Apel de grup nepreluat",
        "Apel vocal|Apel video|Apel de grup",
        "Niciun răspuns|Fără răspuns|Atingeți pentru a apela înapoi|Apăsați pentru a suna înapoi|"
        "Preluat pe alt dispozitiv|Respins|Anulat",
        "Se așteaptă acest mesaj|Se așteaptă acest mesaj. Poate dura puțin|"
        "Se așteaptă acest mesaj. Acest lucru poate dura|locație în timp real partajată|Locație live partajată|"
        "Mesajele și apelurile sunt criptate integral. *",
    ),
    "bg": Phrases(
        "Това съобщение беше изтрито|Съобщението беше изтрито|Изтрихте това съобщение|Това съобщение е изтрито|"
        "Вие изтрихте това съобщение|Това съобщение беше изтрито от админ *|"
        "Това съобщение беше изтрито от администратор *",
        "Това съобщение беше редактирано|Съобщението беше редактирано|Редактирано|Това съобщение е редактирано",
        "Мултимедията е пропусната|Без мултимедия|Пропусната мултимедия|Мултимедийният файл е пропуснат|"
        "изображението е пропуснато|видеото е пропуснато|аудиото е пропуснато|стикерът е пропуснат|GIF е пропуснат|"
        "документът е пропуснат|Визитката е пропусната|изображението е изключено|видеото е изключено|"
        "Медията е изключена",
        "файлът е прикачен|прикачен файл|файл прикачен",
        "Пропуснато гласово обаждане|Пропуснато видео обаждане|Пропуснато видеообаждане|Пропуснато обаждане|"
        "Пропуснато групово обаждане",
        "Гласово обаждане|Видео обаждане|Видеообаждане|Групово обаждане",
        "Няма отговор|Без отговор|Докоснете, за да върнете обаждането|Отговорено на друго устройство|Отказано|Отменено",
        "Изчаква се това съобщение|Изчаква се това съобщение. Това може да отнеме известно време|"
        "Изчакване на това съобщение. Това може да отнеме време|споделено местоположение в реално време|"
        "Местоположението в реално време е споделено|Съобщенията и обажданията са шифровани от край до край. *",
    ),
    "ru": Phrases(
        "Данное сообщение удалено|Сообщение удалено|Вы удалили данное сообщение|Вы удалили это сообщение|"
        "Это сообщение удалено|Это сообщение было удалено|Данное сообщение удалено админом *|"
        "Это сообщение удалено администратором *|Это сообщение удалил админ *",
        "Это сообщение изменено|Сообщение изменено|Изменено|Данное сообщение изменено|Отредактировано",
        "Без медиафайлов|Медиафайл пропущен|Файл пропущен|Медиа пропущены|изображение отсутствует|"
        "видео отсутствует|аудиофайл отсутствует|стикер отсутствует|GIF отсутствует|документ отсутствует|"
        "Карточка контакта отсутствует|изображение пропущено|видео пропущено|аудио пропущено|стикер пропущен|"
        "документ пропущен|голосовое сообщение пропущено|видеосообщение пропущено",
        "файл добавлен|файл прикреплен|файл прикреплён",
        "Пропущенный аудиозвонок|Пропущенный видеозвонок|Пропущенный звонок|Пропущенный групповой звонок|"
        "Пропущенный групповой аудиозвонок|Пропущенный групповой видеозвонок",
        "Аудиозвонок|Видеозвонок|Групповой звонок|Групповой видеозвонок",
        "Нет ответа|Без ответа|Нажмите, чтобы перезвонить|Принят на другом устройстве|Отклонен|Отменен|Не отвечен",
        "Ожидание данного сообщения|Ожидание этого сообщения|Ожидание сообщения|"
        "Ожидание данного сообщения. Это может занять некоторое время|"
        "Ожидание сообщения. Это может занять некоторое время|"
        "Ожидание этого сообщения. Это может занять некоторое время|"
        "Вы поделились местоположением в реальном времени|геоданные отправлены|Трансляция геоданных|"
        "Сообщения и звонки защищены сквозным шифрованием. *",
    ),
    "uk": Phrases(
        "Це повідомлення було видалено|Це повідомлення видалено|Повідомлення видалено|Ви видалили це повідомлення|"
        "Це повідомлення видалив адмін *|Це повідомлення було видалено адміном *|"
        "Це повідомлення видалено адміністратором *",
        "Це повідомлення було змінено|Це повідомлення змінено|Повідомлення змінено|Змінено|"
        "Це повідомлення відредаговано",
        "Медіа пропущено|Медіафайл пропущено|Без медіафайлів|Без медіа|зображення пропущено|відео пропущено|"
        "аудіо пропущено|стікер пропущено|GIF пропущено|документ пропущено|Картку контакту пропущено|"
        "зображення відсутнє|відео відсутнє",
        "файл додано|файл прикріплено|файл долучено",
        "Пропущений голосовий виклик|Пропущений голосовий дзвінок|Пропущений відеодзвінок|Пропущений відеовиклик|"
        "Пропущений дзвінок|Пропущений груповий дзвінок|Пропущений груповий відеодзвінок",
        "Голосовий дзвінок|Голосовий виклик|Відеодзвінок|Відеовиклик|Груповий дзвінок",
        "Немає відповіді|Без відповіді|Торкніться, щоб передзвонити|Прийнято на іншому пристрої|Відхилено|Скасовано",
        "Очікування цього повідомлення|Очікування повідомлення|"
        "Очікування цього повідомлення. Це може зайняти деякий час|"
        "Очікування повідомлення. Це може зайняти деякий час|поширено місцезнаходження в реальному часі|"
        "Поточне місцезнаходження надіслано|Повідомлення та дзвінки захищено наскрізним шифруванням. *",
    ),
    "el": Phrases(
        "Αυτό το μήνυμα διαγράφηκε|Διαγράψατε αυτό το μήνυμα|Διαγράψατε το μήνυμα|Το μήνυμα διαγράφηκε|"
        "Αυτό το μήνυμα διαγράφηκε από τον διαχειριστή *",
        "Αυτό το μήνυμα υποβλήθηκε σε επεξεργασία|Το μήνυμα επεξεργάστηκε|Επεξεργάστηκε|Αυτό το μήνυμα τροποποιήθηκε",
        "Παραλείφθηκαν πολυμέσα|Τα πολυμέσα παραλήφθηκαν|Τα πολυμέσα παραλείφθηκαν|Εξαιρέθηκαν πολυμέσα|"
        "Παραλήφθηκαν πολυμέσα|η εικόνα παραλείφθηκε|το βίντεο παραλείφθηκε|ο ήχος παραλείφθηκε|"
        "το αυτοκόλλητο παραλείφθηκε|το GIF παραλείφθηκε|το έγγραφο παραλείφθηκε|Η κάρτα επαφής παραλείφθηκε|"
        "η εικόνα εξαιρέθηκε|το βίντεο εξαιρέθηκε|το έγγραφο εξαιρέθηκε",
        "συνημμένο αρχείο|επισυνάφθηκε αρχείο|το αρχείο επισυνάφθηκε",
        "Αναπάντητη φωνητική κλήση|Αναπάντητη κλήση βίντεο|Αναπάντητη βιντεοκλήση|Αναπάντητη κλήση|"
        "Αναπάντητη ομαδική κλήση",
        "Φωνητική κλήση|Κλήση βίντεο|Βιντεοκλήση|Ομαδική κλήση",
        "Δεν απαντήθηκε|Καμία απάντηση|Χωρίς απάντηση|Πατήστε για επανάκληση|Απαντήθηκε σε άλλη συσκευή|"
        "Απορρίφθηκε|Ακυρώθηκε",
        "Αναμονή για αυτό το μήνυμα|Αναμονή για αυτό το μήνυμα. Αυτό μπορεί να διαρκέσει λίγο|"
        "Αναμονή για αυτό το μήνυμα. Μπορεί να πάρει λίγο χρόνο|κοινοποιήθηκε η τρέχουσα τοποθεσία|"
        "Η τοποθεσία σε πραγματικό χρόνο κοινοποιήθηκε|"
        "Τα μηνύματα και οι κλήσεις κρυπτογραφούνται από άκρο σε άκρο. *",
    ),
    "tr": Phrases(
        "Bu mesaj silindi|Bu mesajı sildiniz|Bu mesaj yönetici * tarafından silindi|Bu mesajı sildin|Mesaj silindi",
        "Bu mesaj düzenlendi|Düzenlendi|Mesaj düzenlendi",
        "Medya dahil edilmedi|Medya atlanmış|Medya atlandı|görüntü dahil edilmedi|resim dahil edilmedi|"
        "video dahil edilmedi|ses dahil edilmedi|Çıkartma dahil edilmedi|GIF dahil edilmedi|belge dahil edilmedi|"
        "Kişi kartı dahil edilmedi|sesli mesaj dahil edilmedi|görüntülü mesaj dahil edilmedi",
        "dosya ekli|dosya eklendi|ekli dosya",
        "Cevapsız sesli arama|Cevapsız görüntülü arama|Cevapsız arama|Cevapsız grup araması|"
        "Cevapsız grup sesli arama|Cevapsız grup görüntülü arama",
        "Sesli arama|Görüntülü arama|Grup araması|Sesli grup araması|Görüntülü grup araması",
        "Cevap yok|Cevaplanmadı|Yanıt yok|Yanıtlanmadı|Geri aramak için dokunun|Diğer cihazda yanıtlandı|"
        "Reddedildi|İptal edildi",
        "Bu mesaj bekleniyor|Bu mesaj bekleniyor. Bu biraz zaman alabilir|"
        "Mesaj bekleniyor. Bu biraz zaman alabilir|canlı konum paylaşıldı|Canlı konum paylaşımı|"
        "Mesajlar ve aramalar uçtan uca şifrelidir. *",
    ),
    "ar": Phrases(
        "تم حذف هذه الرسالة|حذفت هذه الرسالة|لقد حذفت هذه الرسالة|قمت بحذف هذه الرسالة|تم حذف الرسالة|"
        "تم حذف هذه الرسالة بواسطة المشرف *|حذف المشرف * هذه الرسالة",
        "تم تعديل هذه الرسالة|تم التعديل|معدّلة|تم تعديل الرسالة",
        "تم استبعاد الوسائط|الوسائط مستبعدة|تم استثناء الوسائط|تم إدراج الوسائط|الصورة غير مُدرجة|"
        "الفيديو غير مُدرج|الصوت غير مُدرج|الملصق غير مُدرج|الصورة غير مدرجة|الفيديو غير مدرج|الصوت غير مدرج|"
        "الملصق غير مدرج|المستند غير مُدرج|تم استبعاد الصورة|تم استبعاد الفيديو|تم استبعاد الصوت|"
        "تم استبعاد المستند|تم استبعاد الملصق|تم حذف بطاقة جهة الاتصال|الصورة محذوفة|الفيديو محذوف|المستند محذوف|"
        "تم حذف صورة|تم حذف فيديو|تم حذف الملصق",
        "الملف مرفق|ملف مرفق|ملف مُرفق",
        "مكالمة صوتية فائتة|مكالمة فيديو فائتة|مكالمة مرئية فائتة|مكالمة فائتة|مكالمة جماعية فائتة|"
        "مكالمة صوتية لم يرد عليها|مكالمة فيديو لم يرد عليها|مكالمة لم يرد عليها",
        "مكالمة صوتية|مكالمة فيديو|مكالمة مرئية|مكالمة جماعية",
        "لا يوجد رد|لم يتم الرد|بدون رد|لا رد|اضغط لمعاودة الاتصال|انقر لمعاودة الاتصال|تم الرد على جهاز آخر|"
        "مرفوضة|ملغاة",
        "في انتظار هذه الرسالة|بانتظار هذه الرسالة|في انتظار هذه الرسالة. قد يستغرق هذا بعض الوقت|"
        "بانتظار هذه الرسالة. قد يستغرق هذا بعض الوقت|تمت مشاركة الموقع المباشر|تم مشاركة الموقع المباشر|"
        "الرسائل والمكالمات مشفرة تمامًا بين الطرفين. *|الرسائل والمكالمات مشفرة تماما بين الطرفين. *",
    ),
    "he": Phrases(
        "הודעה זו נמחקה|ההודעה נמחקה|מחקת הודעה זו|מחקת את ההודעה הזו|ההודעה הזו נמחקה|"
        "הודעה זו נמחקה על ידי המנהל *|הודעה זו נמחקה על-ידי המנהל *|הודעה זו נמחקה ע י המנהל *",
        "הודעה זו נערכה|ההודעה נערכה|נערכה|ההודעה הזו נערכה",
        "המדיה לא נכללה|המדיה הושמטה|מדיה הושמטה|התמונה הושמטה|תמונה הושמטה|הסרטון הושמט|הווידאו הושמט|"
        "הקלטה קולית הושמטה|השמע הושמט|המדבקה הושמטה|סטיקר הושמט|סטיקר לא נכלל|GIF הושמט|המסמך הושמט|מסמך הושמט|"
        "כרטיס איש קשר הושמט|התמונה לא נכללה|הסרטון לא נכלל|השמע לא נכלל|המסמך לא נכלל|תמונה לא נכללה|סרטון לא נכלל",
        "הקובץ מצורף|קובץ מצורף|קובץ מצורף להודעה|קובץ צורף",
        "שיחה קולית שלא נענתה|שיחת וידאו שלא נענתה|שיחה שלא נענתה|שיחה קבוצתית שלא נענתה|שיחת קול שלא נענתה",
        "שיחה קולית|שיחת וידאו|שיחה קבוצתית|שיחת קול",
        "אין מענה|ללא מענה|לא נענתה|הקש כדי להתקשר בחזרה|יש להקיש כדי להתקשר בחזרה|נענתה במכשיר אחר|נדחתה|בוטלה",
        "ממתין להודעה זו|בהמתנה להודעה זו|בהמתנה להודעה זו. הפעולה עשויה להימשך זמן מה|"
        "ממתין להודעה זו. זה עשוי לקחת זמן|מיקום בזמן אמת שותף|שותף מיקום חי|מיקום חי שותף|"
        "ההודעות והשיחות מוצפנות מקצה לקצה. *",
    ),
    "fa": Phrases(
        "این پیام حذف شد|این پیام حذف شده است|شما این پیام را حذف کردید|این پیام را حذف کردید|پیام حذف شد|"
        "این پیام توسط مدیر * حذف شد",
        "این پیام ویرایش شد|این پیام ویرایش شده است|ویرایش شده|پیام ویرایش شد",
        "رسانه حذف شد|رسانه حذف شده است|رسانه‌ها حذف شد|پیوست نما/آهنگ حذف شد|رسانه حذف شده|تصویر حذف شد|"
        "عکس حذف شد|ویدیو حذف شد|ویدئو حذف شد|صوت حذف شد|صدا حذف شد|استیکر حذف شد|برچسب حذف شد|GIF حذف شد|"
        "سند حذف شد|کارت مخاطب حذف شد|رسانه گنجانده نشد|تصویر گنجانده نشد|ویدیو گنجانده نشد",
        "فایل پیوست شد|فایل پیوست شده|پرونده پیوست شد|فایل ضمیمه شد",
        "تماس صوتی بی‌پاسخ|تماس تصویری بی‌پاسخ|تماس صوتی بی پاسخ|تماس تصویری بی پاسخ|تماس بی‌پاسخ|"
        "تماس صوتی از دست رفته|تماس تصویری از دست رفته|تماس از دست رفته|تماس گروهی از دست رفته",
        "تماس صوتی|تماس تصویری|تماس ویدیویی|تماس گروهی",
        "بدون پاسخ|پاسخی داده نشد|پاسخ داده نشد|برای تماس مجدد ضربه بزنید|در دستگاه دیگر پاسخ داده شد|رد شد|لغو شد",
        "در انتظار این پیام|در انتظار این پیام. ممکن است کمی طول بکشد|"
        "در انتظار این پیام. این ممکن است مدتی طول بکشد|موقعیت مکانی زنده به اشتراک گذاشته شد|"
        "مکان زنده به اشتراک گذاشته شد|موقعیت زنده به اشتراک گذاشته شد|"
        "پیام‌ها و تماس‌ها رمزگذاری سرتاسری شده‌اند. *",
    ),
    "hi": Phrases(
        "यह मैसेज मिटाया गया|यह संदेश हटा दिया गया|यह मैसेज हटा दिया गया|आपने यह मैसेज मिटाया|"
        "आपने यह संदेश हटा दिया|यह मैसेज डिलीट कर दिया गया|आपने यह मैसेज डिलीट किया|यह संदेश मिटाया गया|"
        "आपने इस मैसेज को मिटाया|यह मैसेज एडमिन * ने मिटाया|इस मैसेज को एडमिन * ने मिटाया",
        "यह मैसेज एडिट किया गया|यह संदेश संपादित किया गया|एडिट किया गया|यह मैसेज बदला गया|इस मैसेज को एडिट किया गया",
        "मीडिया के बिना|मीडिया छोड़ा गया|मीडिया शामिल नहीं है|मीडिया शामिल नहीं किया गया|मीडिया हटाया गया|"
        "फ़ोटो छोड़ी गई|इमेज छोड़ी गई|वीडियो छोड़ा गया|ऑडियो छोड़ा गया|स्टिकर छोड़ा गया|GIF छोड़ा गया|"
        "डॉक्यूमेंट छोड़ा गया|कॉन्टैक्ट कार्ड छोड़ा गया|फ़ोटो शामिल नहीं है|वीडियो शामिल नहीं है|"
        "ऑडियो शामिल नहीं है|स्टिकर शामिल नहीं है|डॉक्यूमेंट शामिल नहीं है",
        "फ़ाइल संलग्न है|फाइल संलग्न है|फ़ाइल अटैच की गई|फ़ाइल संलग्न|फाइल अटैच की गई|फ़ाइल अटैच है",
        "मिस्ड वॉइस कॉल|मिस्ड वीडियो कॉल|मिस्ड कॉल|मिस्ड ग्रुप कॉल|छूटी हुई वॉइस कॉल|छूटी हुई वीडियो कॉल|"
        "मिस्ड वॉयस कॉल|वॉइस कॉल मिस हुई|वीडियो कॉल मिस हुई",
        "वॉइस कॉल|वॉयस कॉल|वीडियो कॉल|ग्रुप कॉल",
        "कोई जवाब नहीं|जवाब नहीं मिला|जवाब नहीं दिया|वापस कॉल करने के लिए टैप करें|कॉल बैक करने के लिए टैप करें|"
        "दूसरे डिवाइस पर जवाब दिया गया",
        "इस मैसेज का इंतज़ार है|इस मैसेज के आने का इंतज़ार है|इस संदेश की प्रतीक्षा है|"
        "इस मैसेज का इंतज़ार है. इसमें कुछ समय लग सकता है|इस मैसेज का इंतज़ार है। इसमें थोड़ा समय लग सकता है|"
        "लाइव लोकेशन शेयर की गई|लाइव लोकेशन शेयर किया गया|मैसेज और कॉल एंड-टू-एंड एन्क्रिप्टेड हैं*",
    ),
    "bn": Phrases(
        "এই মেসেজটি মুছে ফেলা হয়েছে|এই বার্তাটি মুছে ফেলা হয়েছে|আপনি এই মেসেজটি মুছে ফেলেছেন|"
        "আপনি এই বার্তাটি মুছে ফেলেছেন|এই মেসেজ মুছে ফেলা হয়েছে|এই মেসেজটি অ্যাডমিন * মুছে ফেলেছেন",
        "এই মেসেজটি এডিট করা হয়েছে|এই বার্তাটি সম্পাদনা করা হয়েছে|এডিট করা হয়েছে|এই মেসেজটি সম্পাদনা করা হয়েছে",
        "মিডিয়া বাদ দেওয়া হয়েছে|মিডিয়া বাদ দেয়া হয়েছে|মিডিয়া অন্তর্ভুক্ত করা হয়নি|ছবি বাদ দেওয়া হয়েছে|"
        "ভিডিও বাদ দেওয়া হয়েছে|অডিও বাদ দেওয়া হয়েছে|স্টিকার বাদ দেওয়া হয়েছে|GIF বাদ দেওয়া হয়েছে|"
        "ডকুমেন্ট বাদ দেওয়া হয়েছে|কন্ট্যাক্ট কার্ড বাদ দেওয়া হয়েছে",
        "ফাইল সংযুক্ত|ফাইল সংযুক্ত আছে|ফাইল সংযুক্ত করা হয়েছে|ফাইল অ্যাটাচ করা হয়েছে",
        "মিসড ভয়েস কল|মিসড ভিডিও কল|মিসড কল|মিসড গ্রুপ কল|মিস করা ভয়েস কল|মিস করা ভিডিও কল",
        "ভয়েস কল|ভিডিও কল|গ্রুপ কল",
        "কোনও উত্তর নেই|কোনো উত্তর নেই|উত্তর নেই|কোনও উত্তর পাওয়া যায়নি|কল ব্যাক করতে ট্যাপ করুন|"
        "ফিরতি কল করতে ট্যাপ করুন|অন্য ডিভাইসে উত্তর দেওয়া হয়েছে",
        "এই মেসেজের জন্য অপেক্ষা করা হচ্ছে|এই মেসেজের জন্য অপেক্ষা করা হচ্ছে। এতে কিছুটা সময় লাগতে পারে|"
        "এই বার্তার জন্য অপেক্ষা করা হচ্ছে|লাইভ লোকেশন শেয়ার করা হয়েছে|মেসেজ এবং কল এন্ড-টু-এন্ড এনক্রিপ্টেড*",
    ),
    "id": Phrases(
        "Pesan ini telah dihapus|Anda menghapus pesan ini|Anda telah menghapus pesan ini|Pesan ini dihapus|"
        "Pesan ini telah dihapus oleh admin *|Pesan ini dihapus oleh admin *",
        "Pesan ini telah diedit|Pesan ini diedit|Diedit",
        "Media tidak disertakan|gambar tidak disertakan|video tidak disertakan|audio tidak disertakan|"
        "stiker tidak disertakan|GIF tidak disertakan|dokumen tidak disertakan|Kartu kontak tidak disertakan|"
        "Kontak kartu tidak disertakan|pesan suara tidak disertakan|pesan video tidak disertakan",
        "file terlampir|berkas terlampir",
        "Panggilan suara tak terjawab|Panggilan video tak terjawab|Panggilan tak terjawab|"
        "Panggilan grup tak terjawab|Panggilan suara grup tak terjawab|Panggilan video grup tak terjawab",
        "Panggilan suara|Panggilan video|Panggilan grup|Panggilan suara grup|Panggilan video grup",
        "Tidak ada jawaban|Tidak dijawab|Tak ada jawaban|Ketuk untuk menelepon balik|Ketuk untuk menelepon kembali|"
        "Dijawab di perangkat lain|Ditolak|Dibatalkan",
        "Menunggu pesan ini|Menunggu pesan ini. Ini mungkin butuh waktu|"
        "Menunggu pesan ini. Ini mungkin perlu waktu|Menunggu pesan ini. Proses ini mungkin perlu waktu|"
        "lokasi terkini dibagikan|Lokasi langsung dibagikan|Pesan dan panggilan dienkripsi secara end-to-end. *",
    ),
    "ms": Phrases(
        "Mesej ini telah dipadamkan|Mesej ini telah dipadam|Anda telah memadamkan mesej ini|"
        "Anda memadamkan mesej ini|Anda telah memadam mesej ini|Mesej ini dipadamkan|"
        "Mesej ini telah dipadamkan oleh pentadbir *",
        "Mesej ini telah diedit|Mesej ini telah disunting|Diedit|Disunting",
        "Media dikecualikan|Media tidak disertakan|Media ditinggalkan|imej dikecualikan|gambar dikecualikan|"
        "video dikecualikan|audio dikecualikan|pelekat dikecualikan|GIF dikecualikan|dokumen dikecualikan|"
        "Kad kenalan dikecualikan|imej ditinggalkan|video ditinggalkan",
        "fail dilampirkan|fail terlampir|fail dilampir",
        "Panggilan suara terlepas|Panggilan video terlepas|Panggilan terlepas|Panggilan kumpulan terlepas|"
        "Panggilan suara tidak dijawab|Panggilan video tidak dijawab|Panggilan tidak dijawab",
        "Panggilan suara|Panggilan video|Panggilan kumpulan",
        "Tiada jawapan|Tidak dijawab|Ketik untuk panggil semula|Ketik untuk menelefon semula|"
        "Dijawab pada peranti lain|Ditolak|Dibatalkan",
        "Menunggu mesej ini|Menunggu mesej ini. Ini mungkin mengambil masa|"
        "Menunggu mesej ini. Proses ini mungkin mengambil sedikit masa|lokasi langsung dikongsi|"
        "lokasi semasa dikongsi|Mesej dan panggilan disulitkan hujung ke hujung. *",
    ),
    "vi": Phrases(
        "Tin nhắn này đã bị xóa|Tin nhắn này đã bị xoá|Bạn đã xóa tin nhắn này|Bạn đã xoá tin nhắn này|"
        "Tin nhắn này đã bị xóa bởi quản trị viên *|Tin nhắn đã bị quản trị viên * xóa|Tin nhắn này đã được xóa",
        "Tin nhắn này đã được chỉnh sửa|Tin nhắn này đã bị chỉnh sửa|Đã chỉnh sửa|Đã sửa",
        "Đã bỏ qua nội dung đa phương tiện|Bỏ qua nội dung đa phương tiện|Bỏ qua media|Đã bỏ qua file phương tiện|"
        "Tệp phương tiện bị bỏ qua|đã bỏ qua hình ảnh|bỏ qua hình ảnh|đã bỏ qua video|bỏ qua video|"
        "đã bỏ qua âm thanh|đã bỏ qua nhãn dán|bỏ qua nhãn dán|đã bỏ qua GIF|đã bỏ qua tài liệu|bỏ qua tài liệu|"
        "đã bỏ qua thẻ liên hệ|hình ảnh bị bỏ qua|video bị bỏ qua|âm thanh bị bỏ qua|nhãn dán bị bỏ qua|"
        "tài liệu bị bỏ qua",
        "tệp đính kèm|tập tin đính kèm|file đính kèm|đã đính kèm tệp|tệp được đính kèm|đính kèm tệp",
        "Cuộc gọi thoại nhỡ|Cuộc gọi video nhỡ|Cuộc gọi nhỡ|Cuộc gọi nhóm nhỡ|Cuộc gọi thoại bị nhỡ|"
        "Cuộc gọi video bị nhỡ|Bỏ lỡ cuộc gọi thoại|Bỏ lỡ cuộc gọi video",
        "Cuộc gọi thoại|Cuộc gọi video|Cuộc gọi nhóm",
        "Không trả lời|Không có phản hồi|Không có câu trả lời|Nhấn để gọi lại|Đã trả lời trên thiết bị khác|"
        "Bị từ chối|Đã hủy",
        "Đang chờ tin nhắn này|Đang chờ tin nhắn này. Quá trình này có thể mất một lúc|"
        "Đang chờ tin nhắn này. Việc này có thể mất một chút thời gian|đã chia sẻ vị trí trực tiếp|"
        "chia sẻ vị trí trực tiếp|Tin nhắn và cuộc gọi được mã hóa đầu cuối. *",
    ),
    "th": Phrases(
        "ข้อความนี้ถูกลบแล้ว|ข้อความนี้ถูกลบ|คุณลบข้อความนี้แล้ว|คุณได้ลบข้อความนี้|คุณลบข้อความนี้|"
        "ข้อความนี้ถูกลบไปแล้ว|ข้อความนี้ถูกลบโดยผู้ดูแล *|ข้อความนี้ถูกลบโดยแอดมิน *",
        "ข้อความนี้ถูกแก้ไขแล้ว|ข้อความนี้ถูกแก้ไข|แก้ไขแล้ว|ข้อความนี้ได้รับการแก้ไข",
        "สื่อถูกตัดออก|ไม่รวมสื่อ|ไม่รวมไฟล์สื่อ|ละเว้นสื่อ|ไม่มีสื่อ|ไม่รวมรูปภาพ|ไม่รวมวิดีโอ|ไม่รวมเสียง|"
        "ไม่รวมสติกเกอร์|ไม่รวม GIF|ไม่รวมเอกสาร|ไม่รวมการ์ดผู้ติดต่อ|รูปภาพถูกตัดออก|วิดีโอถูกตัดออก|"
        "เสียงถูกตัดออก|สติกเกอร์ถูกตัดออก|เอกสารถูกตัดออก|ละเว้นรูปภาพ|ละเว้นวิดีโอ",
        "ไฟล์ที่แนบมา|แนบไฟล์แล้ว|ไฟล์แนบ|แนบไฟล์",
        "สายสนทนาที่ไม่ได้รับ|วิดีโอคอลที่ไม่ได้รับ|สายที่ไม่ได้รับ|สายโทรเข้าที่ไม่ได้รับ|"
        "การโทรด้วยเสียงที่ไม่ได้รับ|การโทรวิดีโอที่ไม่ได้รับ|ไม่ได้รับสายสนทนา|ไม่ได้รับวิดีโอคอล|"
        "การโทรแบบกลุ่มที่ไม่ได้รับ",
        "การโทรด้วยเสียง|สายสนทนา|การโทร|วิดีโอคอล|การสนทนาทางวิดีโอ|การโทรวิดีโอ|การโทรแบบกลุ่ม",
        "ไม่มีคนรับสาย|ไม่มีผู้รับสาย|ไม่รับสาย|ไม่มีการตอบรับ|แตะเพื่อโทรกลับ|รับสายบนอุปกรณ์อื่น|ปฏิเสธ|ยกเลิก",
        "กำลังรอข้อความนี้|กำลังรอข้อความนี้ อาจใช้เวลาสักครู่|กำลังรอข้อความนี้. อาจใช้เวลาสักครู่|"
        "แชร์ตำแหน่งปัจจุบันแล้ว|แชร์ตำแหน่งแบบเรียลไทม์แล้ว|ข้อความและการโทรได้รับการเข้ารหัสจากต้นทางถึงปลายทาง*",
    ),
    "zh": Phrases(
        "此消息已删除|此消息已被删除|您已删除此消息|你已删除此消息|消息已删除|您删除了此消息|你删除了此消息|"
        "该消息已被删除|此消息已被管理员 * 删除|此消息已由管理员 * 删除|管理员*删除了此消息|此訊息已刪除|"
        "此訊息已被刪除|您已刪除此訊息|你已刪除此訊息|訊息已刪除|您刪除了此訊息|你刪除了此訊息|這則訊息已刪除|"
        "此訊息已被管理員 * 刪除|此訊息已由管理員 * 刪除|管理員*刪除了此訊息|您已收回此訊息|你已收回此訊息|"
        "此訊息已收回|此訊息已經刪除|此訊息已被收回",
        "此消息已编辑|此消息已被编辑|消息已编辑|已编辑|此訊息已編輯|此訊息已被編輯|訊息已編輯|已編輯|這則訊息已編輯",
        "省略多媒体文件|媒体文件已省略|多媒体文件已省略|已省略媒体|媒体已省略|图像已忽略|视频已忽略|音频已忽略|"
        "贴图已忽略|GIF 已忽略|文档已忽略|名片已忽略|忽略图片|忽略视频|忽略音频|忽略贴图|忽略 GIF|忽略文档|"
        "图片已省略|视频已省略|音频已省略|文件已省略|贴纸已省略|文档已省略|联系人名片已忽略|已忽略图像|"
        "已略過多媒體檔案|省略多媒體檔|省略多媒體檔案|多媒體檔案已省略|媒體已省略|已省略媒體|媒體檔案已略過|"
        "略過圖片|略過影片|略過音訊|略過貼圖|略過 GIF|略過文件|圖片已略過|影片已略過|音訊已略過|貼圖已略過|"
        "GIF 已略過|文件已略過|聯絡人卡已略過|忽略圖片|忽略影片|忽略音訊|忽略貼圖|忽略文件|圖像已忽略|圖片已忽略|"
        "影片已忽略|音訊已忽略|貼圖已忽略|文件已忽略|聯絡人卡片已忽略|已忽略圖片|已忽略影片|名片已略過",
        "文件附件|文件已附加|已附加文件|附件|檔案附件|附加檔案|已附加檔案|檔案已附加|文件已加附件",
        "未接语音通话|未接视频通话|未接来电|未接群组语音通话|未接群组视频通话|未接群组通话|未接語音通話|"
        "未接視訊通話|未接視像通話|未接來電|未接群組語音通話|未接群組視訊通話|未接群組通話|未接語音來電|"
        "未接視訊來電|未接听语音通话|未接听视频通话",
        "语音通话|视频通话|群组通话|群组语音通话|群组视频通话|語音通話|視訊通話|視像通話|群組通話|群組語音通話|"
        "群組視訊通話",
        "无人接听|无应答|未接听|点击回拨|轻触回拨|已在其他设备上接听|已拒绝|已取消|無人接聽|無回應|無應答|未接聽|"
        "點按即可回撥|點一下以回撥|輕觸即可回撥|輕觸回撥|已在其他裝置上接聽|已拒絕|未應答",
        "正在等待此消息|等待此消息|正在等待此消息。这可能需要一段时间|正在等待此消息。这可能需要一点时间|"
        "等待此消息。这可能需要一段时间|实时位置已分享|已共享实时位置|已分享实时位置|正在等待此訊息|等待此訊息|"
        "正在等待此訊息。這可能需要一段時間|正在等待此訊息。這可能需要一點時間|等待此訊息。這可能需要一段時間|"
        "即時位置已分享|已分享即時位置|消息和通话已进行端到端加密*|消息和通话经过端到端加密*|"
        "訊息和通話已進行端對端加密*|訊息和通話經端對端加密*|訊息與通話已受到端對端加密*",
    ),
    "ja": Phrases(
        "このメッセージは削除されました|このメッセージを削除しました|あなたはこのメッセージを削除しました|"
        "メッセージが削除されました|このメッセージは管理者 * によって削除されました|"
        "このメッセージは管理者*によって削除されました|このメッセージは管理者の*が削除しました",
        "このメッセージは編集されました|メッセージが編集されました|編集済み|このメッセージは編集済みです",
        "メディアなし|メディアは含まれていません|メディアが含まれていません|メディア省略|メディアを省略しました|"
        "メディアは省略されました|画像は除外されました|画像は含まれていません|画像省略|画像を省略|"
        "動画は除外されました|動画は含まれていません|ビデオは含まれていません|ビデオ省略|動画省略|"
        "音声は除外されました|音声は含まれていません|音声省略|オーディオ省略|スタンプは除外されました|"
        "スタンプは含まれていません|スタンプ省略|GIF は含まれていません|GIFは含まれていません|GIF省略|"
        "文書は含まれていません|ドキュメントは含まれていません|ドキュメント省略|書類は除外されました|"
        "連絡先カードは含まれていません|連絡先カード省略|連絡先カードは除外されました",
        "添付ファイル|ファイル添付|ファイルを添付|ファイルが添付されました|ファイル添付済み",
        "不在着信|不在ビデオ通話|不在音声通話|音声通話の不在着信|ビデオ通話の不在着信|グループ通話の不在着信|"
        "音声不在着信|ビデオ不在着信|不在着信（音声）|不在着信（ビデオ）",
        "音声通話|ビデオ通話|グループ通話|グループ音声通話|グループビデオ通話",
        "応答なし|応答がありません|不在|タップしてかけ直す|タップして折り返す|タップしてコールバック|"
        "他のデバイスで応答済み|拒否|キャンセル|応答がありませんでした|別のデバイスで応答",
        "このメッセージを待っています|メッセージを待機しています|"
        "このメッセージを待っています。しばらく時間がかかる場合があります|"
        "このメッセージを待機しています。しばらく時間がかかることがあります|"
        "メッセージを待っています。これには時間がかかることがあります|ライブロケーションを共有しました|"
        "ライブ位置情報を共有しました|ライブロケーション共有中|ライブロケーションが共有されました|"
        "メッセージと通話はエンドツーエンドで暗号化されています*|"
        "メッセージと通話はエンドツーエンド暗号化されています*",
    ),
    "ko": Phrases(
        "삭제된 메시지입니다|이 메시지는 삭제되었습니다|이 메시지가 삭제되었습니다|이 메시지를 삭제했습니다|"
        "회원님이 이 메시지를 삭제했습니다|메시지를 삭제했습니다|회원님이 메시지를 삭제했습니다|"
        "관리자 *님이 이 메시지를 삭제했습니다|관리자 *님이 삭제한 메시지입니다|"
        "이 메시지는 관리자 *님이 삭제했습니다|메시지가 삭제되었습니다",
        "이 메시지는 수정되었습니다|이 메시지가 수정되었습니다|수정된 메시지입니다|수정됨|"
        "이 메시지는 편집되었습니다|편집됨|이 메시지가 편집되었습니다",
        "미디어 파일을 제외한 대화내용|미디어 파일 제외됨|미디어 제외됨|미디어 생략됨|미디어 파일이 생략되었습니다|"
        "미디어 파일 생략|이미지 생략됨|이미지 제외됨|사진 생략됨|사진 제외됨|동영상 생략됨|동영상 제외됨|"
        "비디오 생략됨|오디오 생략됨|오디오 제외됨|스티커 생략됨|스티커 제외됨|GIF 생략됨|GIF 제외됨|문서 생략됨|"
        "문서 제외됨|연락처 카드 생략됨|연락처 카드 제외됨|이미지가 생략되었습니다|동영상이 생략되었습니다|"
        "스티커가 생략되었습니다|문서가 생략되었습니다",
        "파일 첨부됨|첨부 파일|파일이 첨부됨|첨부파일|파일이 첨부되었습니다|파일 첨부",
        "부재중 음성 통화|부재중 영상 통화|부재중 음성통화|부재중 영상통화|부재중 전화|부재중 그룹 통화|"
        "부재중 그룹 음성통화|부재중 그룹 영상통화",
        "음성 통화|음성통화|영상 통화|영상통화|그룹 통화|그룹 음성통화|그룹 영상통화",
        "응답 없음|답변 없음|받지 않음|탭하여 다시 전화하기|눌러서 다시 전화|탭하여 다시 전화|다른 기기에서 응답함|"
        "거절됨|취소됨|다른 기기에서 받음",
        "메시지를 기다리는 중|이 메시지를 기다리는 중|메시지를 기다리는 중입니다|"
        "메시지를 기다리는 중입니다. 다소 시간이 걸릴 수 있습니다|"
        "이 메시지를 기다리는 중입니다. 시간이 걸릴 수 있습니다|"
        "이 메시지를 기다리는 중입니다. 다소 시간이 걸릴 수 있습니다|실시간 위치 공유됨|실시간 위치를 공유했습니다|"
        "실시간 위치가 공유되었습니다|메시지와 통화는 종단간 암호화됩니다. *|"
        "메시지와 통화는 종단간 암호화되어 있습니다. *",
    ),
    "sv": Phrases(
        "Detta meddelande togs bort|Det här meddelandet raderades|Meddelandet raderades|"
        "Du tog bort detta meddelande|Du raderade detta meddelande|Du raderade det här meddelandet|"
        "Det här meddelandet har raderats|Detta meddelande raderades|"
        "Detta meddelande togs bort av administratören *|Det här meddelandet raderades av administratören *",
        "Detta meddelande redigerades|Det här meddelandet redigerades|Redigerat|Meddelandet redigerades|"
        "Detta meddelande har redigerats",
        "Media har utelämnats|Media utelämnades|Media utelämnat|media utelämnad|Media ej inkluderat|bild utelämnad|"
        "bilden utelämnades|video utelämnad|videon utelämnades|ljud utelämnat|ljudet utelämnades|"
        "klistermärke utelämnat|sticker utelämnad|GIF utelämnad|dokument utelämnat|dokumentet utelämnades|"
        "Kontaktkort utelämnat|bild har utelämnats|video har utelämnats",
        "fil bifogad|bifogad fil|filen bifogades",
        "Missat röstsamtal|Missat videosamtal|Missat samtal|Missat gruppsamtal|Missat röstsamtal i grupp|"
        "Missat videosamtal i grupp|Obesvarat röstsamtal|Obesvarat videosamtal",
        "Röstsamtal|Videosamtal|Gruppsamtal",
        "Inget svar|Ej besvarat|Obesvarat|Tryck för att ringa upp|Tryck för att ringa tillbaka|"
        "Besvarat på annan enhet|Avvisat|Avbrutet",
        "Väntar på detta meddelande|Väntar på det här meddelandet|Väntar på detta meddelande. Det kan ta ett tag|"
        "Väntar på detta meddelande. Detta kan ta en stund|Väntar på det här meddelandet. Det kan ta en stund|"
        "liveplats delad|Realtidsplats delad|Live-plats delad|"
        "Meddelanden och samtal är krypterade från ände till ände. *|"
        "Meddelanden och samtal är totalsträckskrypterade. *",
    ),
    "da": Phrases(
        "Denne besked blev slettet|Du slettede denne besked|Denne besked er blevet slettet|Beskeden blev slettet|"
        "Denne besked er slettet|Denne besked blev slettet af administratoren *|"
        "Denne besked blev slettet af admin *",
        "Denne besked blev redigeret|Denne besked er blevet redigeret|Redigeret|Beskeden blev redigeret",
        "Medier udeladt|Mediefil udeladt|Medie udeladt|Medier er udeladt|billede udeladt|video udeladt|lyd udeladt|"
        "klistermærke udeladt|sticker udeladt|GIF udeladt|dokument udeladt|Kontaktkort udeladt|talebesked udeladt",
        "fil vedhæftet|vedhæftet fil|filen er vedhæftet",
        "Ubesvaret taleopkald|Ubesvaret videoopkald|Ubesvaret opkald|Ubesvaret gruppeopkald|Mistet taleopkald|"
        "Mistet videoopkald|Mistet opkald|Ubesvaret stemmeopkald",
        "Taleopkald|Videoopkald|Gruppeopkald|Stemmeopkald",
        "Intet svar|Ikke besvaret|Tryk for at ringe tilbage|Besvaret på en anden enhed|Afvist|Annulleret|Ubesvaret",
        "Venter på denne besked|Venter på denne besked. Det kan tage lidt tid|"
        "Venter på denne besked. Dette kan tage et stykke tid|Afventer denne besked. Det kan tage et øjeblik|"
        "liveplacering delt|Liveplacering delt|Live-placering delt|Beskeder og opkald er end-to-end krypterede. *|"
        "Beskeder og opkald er krypteret fra ende til anden. *",
    ),
    "nb": Phrases(
        "Denne meldingen ble slettet|Du slettet denne meldingen|Denne meldingen er slettet|Meldingen ble slettet|"
        "Denne meldingen har blitt slettet|Denne meldingen ble slettet av administrator *|"
        "Denne meldingen ble slettet av admin *",
        "Denne meldingen ble redigert|Denne meldingen er redigert|Redigert|Meldingen ble redigert",
        "Media utelatt|Mediefil utelatt|Medier utelatt|Uten vedlegg|bilde utelatt|bilde utelukket|video utelatt|"
        "lyd utelatt|klistremerke utelatt|sticker utelatt|GIF utelatt|dokument utelatt|Kontaktkort utelatt|"
        "Mediefiler utelatt|talemelding utelatt",
        "fil vedlagt|vedlagt fil|filen er vedlagt|fil lagt ved",
        "Tapt taleanrop|Tapt videoanrop|Tapt anrop|Tapt gruppeanrop|Ubesvart taleanrop|Ubesvart videoanrop|"
        "Ubesvart anrop|Ubesvart gruppeanrop",
        "Taleanrop|Videoanrop|Gruppeanrop|Videosamtale|Talesamtale",
        "Ingen svar|Ikke besvart|Trykk for å ringe tilbake|Besvart på en annen enhet|Avvist|Avbrutt|Ubesvart",
        "Venter på denne meldingen|Venter på denne meldingen. Dette kan ta litt tid|"
        "Venter på denne meldingen. Det kan ta en stund|Venter på denne meldingen. Dette kan ta en stund|"
        "posisjon i sanntid delt|Liveposisjon delt|Sanntidsposisjon delt|"
        "Meldinger og anrop er ende-til-ende-kryptert. *",
    ),
    "fi": Phrases(
        "Tämä viesti poistettiin|Poistit tämän viestin|Tämä viesti on poistettu|Viesti poistettu|"
        "Viesti poistettiin|Ylläpitäjä * poisti tämän viestin|Tämän viestin poisti ylläpitäjä *",
        "Tätä viestiä muokattiin|Tätä viestiä on muokattu|Muokattu|Viestiä muokattu|Viestiä muokattiin",
        "Media jätetty pois|Media jätettiin pois|Mediatiedosto jätetty pois|Ei mediatiedostoa|Media poistettu|"
        "kuva jätetty pois|video jätetty pois|ääni jätetty pois|äänite jätetty pois|tarra jätetty pois|"
        "GIF jätetty pois|asiakirja jätetty pois|tiedosto jätetty pois|Yhteystietokortti jätetty pois|"
        "kuva jätettiin pois|video jätettiin pois",
        "tiedosto liitetty|liitetty tiedosto|tiedosto liitteenä",
        "Vastaamaton äänipuhelu|Vastaamaton videopuhelu|Vastaamaton puhelu|Vastaamaton ryhmäpuhelu|"
        "Vastaamatta jäänyt äänipuhelu|Vastaamatta jäänyt videopuhelu|Vastaamatta jäänyt puhelu",
        "Äänipuhelu|Videopuhelu|Ryhmäpuhelu|Puhelu",
        "Ei vastausta|Ei vastattu|Napauta soittaaksesi takaisin|Soita takaisin napauttamalla|"
        "Vastattu toisella laitteella|Hylätty|Peruutettu",
        "Odotetaan tätä viestiä|Odotetaan tätä viestiä. Tämä saattaa kestää hetken|"
        "Odotetaan viestiä. Tämä voi kestää hetken|Odotetaan tätä viestiä. Tämä voi kestää hetken|"
        "reaaliaikainen sijainti jaettu|Live-sijainti jaettu|Viestit ja puhelut ovat täysin salattuja. *|"
        "Viestit ja puhelut salataan täysin. *",
    ),
    "hr": Phrases(
        "Ova je poruka izbrisana|Ova poruka je izbrisana|Izbrisali ste ovu poruku|Poruka je izbrisana|"
        "Ova je poruka obrisana|Ovu je poruku izbrisao administrator *|Ovu poruku je izbrisao admin *",
        "Ova je poruka uređena|Ova poruka je uređena|Uređeno|Poruka je uređena",
        "Medijski zapis izostavljen|Medijski zapis je izostavljen|Mediji izostavljeni|Izostavljen medij|"
        "Medij izostavljen|slika izostavljena|slika je izostavljena|videozapis izostavljen|"
        "videozapis je izostavljen|video izostavljen|audiozapis izostavljen|zvuk izostavljen|"
        "naljepnica izostavljena|GIF izostavljen|dokument izostavljen|Kontaktna kartica izostavljena|"
        "Kartica kontakta izostavljena",
        "datoteka u privitku|priložena datoteka|datoteka priložena|datoteka je priložena",
        "Propušten glasovni poziv|Propušten videopoziv|Propušten poziv|Propušteni glasovni poziv|"
        "Propušteni videopoziv|Propušteni poziv|Propušteni grupni poziv|Propušten grupni poziv",
        "Glasovni poziv|Videopoziv|Grupni poziv",
        "Nema odgovora|Bez odgovora|Nije odgovoreno|Dodirnite za povratni poziv|Dodirnite da biste uzvratili poziv|"
        "Odgovoreno na drugom uređaju|Odbijeno|Otkazano",
        "Čeka se ova poruka|Čekanje ove poruke|Čeka se ova poruka. Ovo može potrajati|"
        "Čekanje na ovu poruku. Ovo može potrajati|Čeka se ova poruka. To može potrajati|dijeljenje lokacije uživo|"
        "Podijeljena lokacija uživo|lokacija uživo podijeljena|Poruke i pozivi su sveobuhvatno šifrirani. *|"
        "Poruke i pozivi potpuno su šifrirani. *",
    ),
    "sr": Phrases(
        "Ова порука је избрисана|Избрисали сте ову поруку|Обрисали сте ову поруку|Ова порука је обрисана|"
        "Порука је избрисана|Ову поруку је избрисао администратор *|Ова порука је избрисана од стране админа *|"
        "Obrisali ste ovu poruku|Ova poruka je obrisana",
        "Ова порука је измењена|Измењено|Порука је измењена|Ова порука је уређена|Ova poruka je izmenjena|Izmenjeno",
        "Медији изостављени|Медиј изостављен|Медијска датотека је изостављена|Изостављен медиј|слика изостављена|"
        "слика је изостављена|видео изостављен|видео је изостављен|аудио изостављен|звук изостављен|"
        "налепница изостављена|GIF изостављен|документ изостављен|Контакт картица изостављена|Mediji izostavljeni|"
        "Medij izostavljen|nalepnica izostavljena|audio izostavljen",
        "датотека у прилогу|приложена датотека|датотека приложена|fajl u prilogu|priložen fajl|датотека је приложена",
        "Пропуштен гласовни позив|Пропуштен видео позив|Пропуштен позив|Пропуштени гласовни позив|"
        "Пропуштени видео позив|Пропуштени позив|Propušten video poziv|Propušteni video poziv",
        "Гласовни позив|Видео позив|Групни позив|Video poziv",
        "Нема одговора|Без одговора|Није одговорено|Додирните да узвратите позив|Одговорено на другом уређају|"
        "Одбијено|Отказано",
        "Чека се ова порука|Чека се на ову поруку. Ово може да потраје|Чека се ова порука. Ово може потрајати|"
        "локација уживо подељена|Подељена локација уживо|Поруке и позиви су потпуно шифровани. *",
    ),
    "sl": Phrases(
        "To sporočilo je bilo izbrisano|Izbrisali ste to sporočilo|Sporočilo je bilo izbrisano|"
        "To sporočilo je izbrisal skrbnik *",
        "To sporočilo je bilo urejeno|Urejeno|Sporočilo je bilo urejeno",
        "Medij izpuščen|Medijska datoteka izpuščena|Predstavnost izpuščena|slika izpuščena|videoposnetek izpuščen|"
        "video izpuščen|zvok izpuščen|nalepka izpuščena|GIF izpuščen|dokument izpuščen|Kartica stika izpuščena|"
        "Mediji izpuščeni",
        "pripeta datoteka|datoteka pripeta|priložena datoteka|datoteka je pripeta",
        "Zgrešen glasovni klic|Zgrešen videoklic|Zgrešen video klic|Zgrešen klic|Zgrešeni glasovni klic|"
        "Neodgovorjen glasovni klic|Neodgovorjen videoklic|Neodgovorjen klic",
        "Glasovni klic|Videoklic|Video klic|Skupinski klic",
        "Ni odgovora|Brez odgovora|Neodgovorjen|Tapnite za povratni klic|Zavrnjen|Preklican",
        "Čakanje na to sporočilo|Čakanje na to sporočilo. To lahko traja nekaj časa|"
        "Čakanje na to sporočilo. To lahko nekaj časa traja|lokacija v živo deljena|Deljena lokacija v živo|"
        "Sporočila in klici so šifrirani od konca do konca. *",
    ),
    "ca": Phrases(
        "S'ha suprimit aquest missatge|Has suprimit aquest missatge|Aquest missatge s'ha suprimit|"
        "S'ha eliminat aquest missatge|Heu suprimit aquest missatge|L'admin. * ha suprimit aquest missatge",
        "S'ha editat aquest missatge|Aquest missatge s'ha editat|Editat",
        "Contingut multimèdia omès|Multimèdia omès|Mitjans omesos|Fitxers multimèdia omesos|imatge omesa|"
        "vídeo omès|àudio omès|adhesiu omès|GIF omès|document omès|Targeta de contacte omesa|"
        "S'ha omès el contingut multimèdia",
        "fitxer adjunt|arxiu adjunt|fitxer adjuntat",
        "Trucada de veu perduda|Videotrucada perduda|Trucada perduda|Trucada de grup perduda",
        "Trucada de veu|Videotrucada|Trucada de grup",
        "Sense resposta|No contestada|Toca per tornar la trucada|Toqueu per tornar la trucada|Rebutjada|Cancel·lada",
        "S'està esperant aquest missatge|S'està esperant el missatge. Això pot trigar una estona|"
        "Esperant aquest missatge. Això pot trigar una estona|ubicació en temps real compartida|"
        "Els missatges i les trucades estan xifrats d'extrem a extrem. *",
    ),
    "lt": Phrases(
        "Ši žinutė buvo ištrinta|Jūs ištrynėte šią žinutę|Ištrynėte šią žinutę|Žinutė ištrinta|Šį pranešimą ištrynė *",
        "Ši žinutė buvo redaguota|Redaguota|Žinutė redaguota",
        "Medija praleista|Praleista medija|Medijos failas praleistas|Mediafailas praleistas|nuotrauka praleista|"
        "vaizdas praleistas|vaizdo įrašas praleistas|garso įrašas praleistas|lipdukas praleistas|GIF praleistas|"
        "dokumentas praleistas|Kontakto kortelė praleista",
        "failas pridėtas|pridėtas failas|prisegtas failas",
        "Praleistas balso skambutis|Praleistas vaizdo skambutis|Praleistas skambutis|Praleistas grupės skambutis",
        "Balso skambutis|Vaizdo skambutis|Grupės skambutis",
        "Neatsiliepta|Nėra atsakymo|Bakstelėkite, kad perskambintumėte|Atmesta|Atšaukta",
        "Laukiama šios žinutės|Laukiama šios žinutės. Tai gali šiek tiek užtrukti|tiesioginė vieta bendrinama|"
        "Pasidalinta tiesiogine vieta|Žinutės ir skambučiai yra visapusiškai šifruoti. *",
    ),
    "lv": Phrases(
        "Šis ziņojums tika izdzēsts|Jūs izdzēsāt šo ziņojumu|Šī ziņa tika dzēsta|Jūs izdzēsāt šo ziņu|"
        "Ziņojums izdzēsts|Šo ziņojumu izdzēsa administrators *",
        "Šis ziņojums tika rediģēts|Šī ziņa tika rediģēta|Rediģēts",
        "Multivide izlaista|Multivides fails izlaists|Izlaists multivides fails|attēls izlaists|video izlaists|"
        "audio izlaists|uzlīme izlaista|GIF izlaists|dokuments izlaists|Kontakta kartīte izlaista",
        "pievienots fails|fails pievienots",
        "Neatbildēts balss zvans|Neatbildēts videozvans|Neatbildēts zvans|Neatbildēts grupas zvans",
        "Balss zvans|Videozvans|Grupas zvans",
        "Nav atbildes|Pieskarieties, lai atzvanītu|Noraidīts|Atcelts",
        "Gaida šo ziņojumu|Gaida šo ziņojumu. Tas var aizņemt kādu laiku|kopīgota reāllaika atrašanās vieta|"
        "Ziņojumi un zvani ir pilnībā šifrēti. *",
    ),
    "et": Phrases(
        "See sõnum kustutati|Sa kustutasid selle sõnumi|Kustutasid selle sõnumi|See sõnum on kustutatud|"
        "Selle sõnumi kustutas administraator *",
        "Seda sõnumit muudeti|Seda sõnumit on muudetud|Muudetud",
        "Meedia välja jäetud|Meedia on välja jäetud|Meedia ära jäetud|pilt välja jäetud|video välja jäetud|"
        "heli välja jäetud|kleebis välja jäetud|GIF välja jäetud|dokument välja jäetud|Kontaktikaart välja jäetud|"
        "pilt ära jäetud|video ära jäetud",
        "fail lisatud|lisatud fail|fail on lisatud|fail manustatud",
        "Vastamata häälkõne|Vastamata videokõne|Vastamata kõne|Vastamata grupikõne",
        "Häälkõne|Videokõne|Grupikõne",
        "Ei vastatud|Vastust pole|Puuduta tagasi helistamiseks|Keeldutud|Tühistatud",
        "Selle sõnumi ootel|Ootan seda sõnumit. See võib veidi aega võtta|Sõnumi ootel. See võib veidi aega võtta|"
        "reaalajas asukoht jagatud|Sõnumid ja kõned on otspunktkrüpteeritud. *",
    ),
    "af": Phrases(
        "Hierdie boodskap is geskrap|Jy het hierdie boodskap geskrap|Hierdie boodskap is uitgevee|"
        "Jy het hierdie boodskap uitgevee|Hierdie boodskap is deur admin * geskrap",
        "Hierdie boodskap is geredigeer|Geredigeer|Hierdie boodskap is gewysig",
        "Media weggelaat|Media uitgelaat|beeld weggelaat|prent weggelaat|video weggelaat|oudio weggelaat|"
        "plakker weggelaat|GIF weggelaat|dokument weggelaat|Kontakkaart weggelaat",
        "lêer aangeheg|aangehegte lêer",
        "Gemiste stemoproep|Gemiste video-oproep|Gemiste oproep|Gemiste groepoproep",
        "Stemoproep|Video-oproep|Groepoproep",
        "Geen antwoord|Tik om terug te bel|Geweier|Gekanselleer",
        "Wag vir hierdie boodskap|Wag vir hierdie boodskap. Dit kan 'n rukkie duur|regstreekse ligging gedeel|"
        "Boodskappe en oproepe is end-tot-end geënkripteer. *",
    ),
    "sw": Phrases(
        "Ujumbe huu ulifutwa|Umefuta ujumbe huu|Ulifuta ujumbe huu|Ujumbe huu umefutwa|"
        "Ujumbe huu ulifutwa na msimamizi *",
        "Ujumbe huu ulihaririwa|Ujumbe huu umehaririwa|Umehaririwa",
        "Midia imeondolewa|Midia imeachwa|Media imeachwa|Midia haijajumuishwa|picha imeachwa|video imeachwa|"
        "sauti imeachwa|stika imeachwa|GIF imeachwa|hati imeachwa|Kadi ya mwasiliani imeachwa|picha imeondolewa|"
        "video imeondolewa",
        "faili imeambatishwa|faili limeambatishwa|faili imeambatanishwa",
        "Simu ya sauti ambayo haikujibiwa|Simu ya video ambayo haikujibiwa|Simu ya sauti uliyokosa|"
        "Simu ya video uliyokosa|Simu uliyokosa|Simu ambayo haikujibiwa",
        "Simu ya sauti|Simu ya video|Simu ya kikundi",
        "Hakuna jibu|Haikujibiwa|Gusa ili upige tena|Imekataliwa",
        "Inasubiri ujumbe huu|Inasubiri ujumbe huu. Hii inaweza kuchukua muda|mahali halisi pameshirikiwa|"
        "Ujumbe na simu zimefumbwa mwisho hadi mwisho. *",
    ),
    "fil": Phrases(
        "Binura ang mensaheng ito|Na-delete ang mensaheng ito|Binura mo ang mensaheng ito|"
        "Dinelete mo ang mensaheng ito|Tinanggal ang mensaheng ito|Tinanggal mo ang mensaheng ito|"
        "Binura ni admin * ang mensaheng ito",
        "Na-edit ang mensaheng ito|In-edit ang mensaheng ito|Na-edit",
        "Hindi isinama ang media|Inalis ang media|Hindi kasama ang media|hindi isinama ang larawan|"
        "hindi isinama ang video|hindi isinama ang audio|hindi isinama ang sticker|hindi isinama ang GIF|"
        "hindi isinama ang dokumento|inalis ang larawan",
        "may nakalakip na file|naka-attach na file|nakalakip ang file|naka-attach ang file",
        "Hindi nasagot na voice call|Hindi nasagot na video call|Hindi nasagot na tawag|Missed na voice call|"
        "Missed na video call",
        "Voice call|Video call|Panggrupong tawag",
        "Walang sagot|Hindi sinagot|I-tap para tumawag pabalik|Tinanggihan",
        "Naghihintay sa mensaheng ito|Hinihintay ang mensaheng ito. Maaaring magtagal ito|"
        "Naghihintay para sa mensaheng ito. Maaari itong magtagal|ibinahagi ang live na lokasyon|"
        "End-to-end encrypted ang mga mensahe at tawag. *",
    ),
    "ur": Phrases(
        "یہ پیغام حذف کر دیا گیا|یہ پیغام حذف کر دیا گیا تھا|آپ نے یہ پیغام حذف کر دیا|یہ پیغام مٹا دیا گیا|"
        "آپ نے یہ میسج حذف کر دیا|یہ میسج حذف کر دیا گیا|یہ پیغام ایڈمن * نے حذف کر دیا",
        "اس پیغام میں ترمیم کی گئی|یہ پیغام ترمیم شدہ ہے|ترمیم شدہ|اس میسج میں ترمیم کی گئی",
        "میڈیا شامل نہیں|میڈیا چھوڑ دیا گیا|میڈیا حذف کر دیا گیا|تصویر شامل نہیں|ویڈیو شامل نہیں|آڈیو شامل نہیں|"
        "اسٹیکر شامل نہیں|دستاویز شامل نہیں|GIF شامل نہیں|تصویر چھوڑ دی گئی|ویڈیو چھوڑ دی گئی|"
        "میڈیا کو شامل نہیں کیا گیا",
        "فائل منسلک ہے|فائل منسلک|منسلک فائل|فائل اٹیچ ہے",
        "مس وائس کال|مس ویڈیو کال|مس کال|مسڈ وائس کال|مسڈ ویڈیو کال|مسڈ کال|چھوٹی ہوئی وائس کال",
        "وائس کال|ویڈیو کال|گروپ کال",
        "کوئی جواب نہیں|جواب نہیں ملا|واپس کال کرنے کے لیے ٹیپ کریں|مسترد",
        "اس پیغام کا انتظار ہے|اس پیغام کا انتظار ہے۔ اس میں کچھ وقت لگ سکتا ہے|لائیو لوکیشن شیئر کی گئی|"
        "پیغامات اور کالز اینڈ ٹو اینڈ انکرپٹڈ ہیں*",
    ),
    "ta": Phrases(
        "இந்தச் செய்தி நீக்கப்பட்டது|இந்த செய்தி நீக்கப்பட்டது|இந்தச் செய்தியை நீக்கிவிட்டீர்கள்|"
        "நீங்கள் இந்த செய்தியை நீக்கினீர்கள்|இச்செய்தி அழிக்கப்பட்டது|இச்செய்தியை அழித்துவிட்டீர்கள்",
        "இந்தச் செய்தி திருத்தப்பட்டது|இந்த செய்தி திருத்தப்பட்டது|திருத்தப்பட்டது",
        "ஊடகம் தவிர்க்கப்பட்டது|மீடியா தவிர்க்கப்பட்டது|மீடியா விடப்பட்டது|படம் தவிர்க்கப்பட்டது|"
        "வீடியோ தவிர்க்கப்பட்டது|ஆடியோ தவிர்க்கப்பட்டது|ஸ்டிக்கர் தவிர்க்கப்பட்டது|ஆவணம் தவிர்க்கப்பட்டது|"
        "GIF தவிர்க்கப்பட்டது",
        "கோப்பு இணைக்கப்பட்டது|கோப்பு இணைக்கப்பட்டுள்ளது|இணைக்கப்பட்ட கோப்பு",
        "தவறிய குரல் அழைப்பு|தவறிய வீடியோ அழைப்பு|தவறிய அழைப்பு|தவறவிட்ட குரல் அழைப்பு|தவறவிட்ட வீடியோ அழைப்பு",
        "குரல் அழைப்பு|வீடியோ அழைப்பு|குழு அழைப்பு",
        "பதில் இல்லை|திரும்ப அழைக்க தட்டவும்",
        "இந்தச் செய்திக்காகக் காத்திருக்கிறது|இந்த செய்திக்காக காத்திருக்கிறது|நேரலை இருப்பிடம் பகிரப்பட்டது",
    ),
}

PHRASE = 200
"""Characters that a program's phrase has at most."""
EDGES = re.compile(rf"[{MARKS}]+")
BLANKS = re.compile(rf"[{SPACES}]+")
NAMED_BY_PROGRAM = re.compile(r"[A-Z]{3,5}-\d{8}-WA\d{4,6}\.\w{1,5}|\d{8}-[A-Z_]{3,10}-[\d-]{4,24}\.\w{1,5}")
FILE = re.compile(r"(?P<file>[^\n/<>]{1,200}\.\w{1,5}) \((?P<word>[^()\n]{2,60})\)")
ATTACHED = re.compile(rf"[{MARKS}]{{0,2}}<[^<>:：\n]{{1,40}}[:：] ?[^<>\n]{{1,200}}\.\w{{1,5}}>")
ANGLED = re.compile(rf"[{MARKS}]{{0,2}}<(?P<inside>[^<>\n@=:/][^<>\n@=:]{{2,80}})>[.\s]{{0,4}}\Z")
PLACE = re.compile(
    r"[^\n:：]{0,60}[:：] ?(?:[^\n]{0,200}\()?"
    r"https?://(?:maps\.google\.com/(?:maps)?\?q=|maps\.app\.goo\.gl/|www\.google\.com/maps|foursquare\.com/v/)[^\s()]{1,200}\)?"
)
DOCUMENT = re.compile(r"[^\n]{1,200}\.\w{1,5} ?• ?[^\n]{1,80}")
TITLE = re.compile(r"[^\n]{1,200}\.\w{1,5}[ •]{0,4}")
NAME = re.compile(
    r"[^\n]{1,200}\.(?:pdf|docx?|xlsx?|pptx?|od[tsp]|txt|csv|zip|vcf|ics|epub|jpe?g|png|gif|webp|mp[34]|opus|m4a|mov)"
)
MENTION = re.compile("@\u2068(?P<name>[^\u2068\u2069\n]{1,120})\u2069")
DURATION = re.compile(
    r"\d{1,3}(?::\d\d){1,2}|\d{1,4} ?[^\W\d][^\d\n,•]{0,14}(?:,? ?\d{1,4} ?[^\W\d][^\d\n,•]{0,14}){0,2}"
)
OPTION = re.compile(r"(?P<word>[^\n:：]{2,20})[:：] ?[^\n]{0,300}\([^()\n]{0,20}\d{1,5}[^()\n]{0,20}\)")
MORE = re.compile(r"[.,،、。•|]")


def plain(text: str) -> str:
    """Return a phrase as it is compared: without marks, without a full stop, in one case."""
    if not text.isascii():
        text = BLANKS.sub(" ", EDGES.sub("", text)).replace("’", "'")
    return text.strip(" .…。।۔").casefold()


def _phrases(*names: str) -> Iterator[str]:
    for language in LANGUAGES.values():
        for name in names:
            yield from filter(None, map(plain, getattr(language, name).split("|")))


WHOLE = frozenset(phrase for phrase in _phrases("deleted", "omitted", "missed", "waiting") if "*" not in phrase)
WITH_NAME = re.compile(
    "|".join(
        re.escape(phrase).replace(r"\*", r"[^\n]{0,200}")
        for phrase in sorted(set(_phrases("deleted", "waiting")))
        if "*" in phrase
    )
)
OMITTED = frozenset(_phrases("omitted"))
EDITED = frozenset(_phrases("edited"))
ATTACHMENT = frozenset(_phrases("attached"))
MISSED = frozenset(_phrases("missed"))
CALLS = frozenset(_phrases("calls"))
OUTCOMES = frozenset(_phrases("outcomes"))


@dataclass
class Program:
    """What the program says in one chat.

    Attributes:
        behind: how many messages end in a mark; one that stands behind several is the program's in any language.
        attachment: what stands in brackets behind the names of files.
    """

    behind: Counter[str] = field(default_factory=Counter)
    attachment: set[str] = field(default_factory=set)

    def learn(self, text: str) -> None:
        """Look at one message's text for marks."""
        if text.endswith((">", ">.")) and (mark := _last_angled(text)) and mark.start():
            self.behind[plain(mark["inside"])] += 1
        if LRM in text[1:]:
            self.behind[plain(text[text.rfind(LRM) :])] += 1
        if ")" in text and (sent := FILE.match(EDGES.sub("", text))) and NAMED_BY_PROGRAM.fullmatch(sent["file"]):
            self.attachment.add(plain(sent["word"]))

    def speech(self, text: str, *, marks: bool) -> tuple[str, list[tuple[str, str]]]:
        """Return what the author says in a message, and each text that the program says in it with the reason.

        Args:
            text: the message.
            marks: whether its form is the one in which the program's words begin with a left-to-right mark.
        """
        left_out: list[tuple[str, str]] = []
        if _is_poll(text):
            return "", [("poll", text)]
        if _is_program(text.strip()):
            return "", [("program_line", text)]
        if marks and text.startswith(LRM) and self._spoken(text.partition("\n")[0]):
            return "", [("program_line", text)]
        if "<" in text and (mark := _last_angled(text)) and mark.start() and self._is_edit(mark):
            left_out.append(("edit_mark", mark[0]))
            text = text[: mark.start()].rstrip()
        if LRM in text or ">" in text or ")" in text or "•" in text:
            text = self._without_attachments(text, left_out)
        if "@\u2068" in text:
            text, mentions = MENTION.subn(r"@\g<name>", text)
            left_out.append(("direction_mark", "\u2068\u2069" * mentions))
        return text.strip(), left_out

    def _is_edit(self, mark: re.Match[str]) -> bool:
        inside = plain(mark["inside"])
        return inside in EDITED or mark[0].startswith(LRM) or (" " in inside and self.behind[inside] > 1)

    def _is_attachment(self, line: str) -> bool:
        """Whether a line is nothing but the mark of something that was sent, perhaps with its name."""
        line = EDGES.sub("", line).strip()
        if plain(line) in OMITTED or ATTACHED.fullmatch(line):
            return True
        if sent := FILE.fullmatch(line):
            word = plain(sent["word"])
            return word in ATTACHMENT or word in self.attachment or bool(NAMED_BY_PROGRAM.fullmatch(sent["file"]))
        if mark := ANGLED.fullmatch(line):
            inside = plain(mark["inside"])
            return inside in OMITTED or inside in EDITED
        return bool(DOCUMENT.fullmatch(line)) and plain(line).endswith(tuple(OMITTED))

    def _without_attachments(self, text: str, left_out: list[tuple[str, str]]) -> str:
        if (mark := ANGLED.fullmatch(text)) and (" " in mark["inside"] or not mark["inside"].isascii()):
            left_out.append(("attachment_mark", text))
            return ""
        lines: list[str] = []
        for line in text.split("\n"):
            # Android repeats a document's name below its mark.
            kept = "" if left_out and not lines and NAME.fullmatch(line) else self._spoken(line)
            if kept != line:
                left_out.append(("attachment_mark", "x" * (len(line) - len(kept))))
            if kept.strip() or kept == line:
                lines.append(kept)
        return "\n".join(lines)

    def _spoken(self, line: str) -> str:
        if not line or len(line) > 3 * PHRASE:
            return line
        if self._is_attachment(line):
            return ""
        if ATTACHED.search(line):
            line = ATTACHED.sub("", line)
            return "" if DOCUMENT.fullmatch(EDGES.sub("", line).strip()) else line
        before, mark, said = line.partition(LRM)
        if mark and (not before or before[-1] in " •"):
            last = plain(said[said.rfind(LRM) + 1 :])
            if last in OMITTED or self.behind[last] > 1:
                return "" if TITLE.fullmatch(before) else before
        return line


def _last_angled(text: str) -> re.Match[str] | None:
    return ANGLED.search(text, max(0, len(text) - PHRASE))


def _is_poll(text: str) -> bool:
    if text.count("\n") < 3 or text[:30].partition("\n")[0].rstrip()[-1:] not in (":", "："):
        return False
    lines = [line for line in EDGES.sub("", text).split("\n") if line.strip()]
    options = [option["word"] for line in lines[-2:] if (option := OPTION.fullmatch(line))]
    return len(lines) > 3 and len(options) == 2 and options[0] == options[1]


def _is_program(text: str) -> bool:
    if not text or len(text) > 2 * PHRASE:
        return False
    phrase = plain(text)
    if phrase in WHOLE or WITH_NAME.fullmatch(phrase) or PLACE.fullmatch(text):
        return True
    head = MORE.split(text, maxsplit=1)[0]
    if len(head) == len(text) or plain(head) not in MISSED | CALLS:
        return False
    rest = text[len(head) + 1 :]
    parts = [part for part in MORE.split(rest) if plain(part)]
    return _is_outcome(rest) or (bool(parts) and all(map(_is_outcome, parts)))


def _is_outcome(text: str) -> bool:
    phrase = plain(text)
    return phrase in OUTCOMES or bool(DURATION.fullmatch(phrase))
